"""A client that believes nothing: every answer is held against the OpenAPI document that the fleet itself serves."""

from __future__ import annotations

import http.client
import json
import re
import socket
from pathlib import Path
from typing import Any, Iterable, NamedTuple

from jsonschema import Draft202012Validator, RefResolver

from outside_redis import OutsideRedis
from shoal_cli import FleetUnderTest

Request = tuple[str, str, Any]
"""Method, path, and what is sent as JSON; None sends nothing."""


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Documented:
    """Requests whose answers must be documented: status, header fields, media type and body."""

    def __init__(self, fleet: FleetUnderTest, document: str = "/v1/openapi.json") -> None:
        self._fleet = fleet
        self.document: dict[str, Any] = json.loads(fleet.request("GET", document)[2])
        self._resolver = RefResolver.from_schema(self.document)
        self._paths = [(re.compile(re.sub(r"\{[a-z]+\}", "[^/]+", path)), item)
                       for path, item in self.document["paths"].items()]
        # What a header field's absence or presence is judged for.
        self._fields = {name.lower() for name in self.document["components"]["headers"]}
        self.seen: set[tuple[str, str]] = set()

    def __call__(self, method: str, path: str, headers: dict[str, str] | None = None, json_body: Any = None,
                 body: bytes | None = None) -> Answer:
        sent = json.dumps(json_body).encode() if json_body is not None else body
        answer = Answer(*self._fleet.request(method, path, headers, body=sent))
        self.judge(method, path, answer)
        return answer

    def judge(self, method: str, path: str, answer: Answer) -> None:
        operation = self.operation(method, path)
        name, status = operation["operationId"], str(answer.status)
        where = f"{method} {path[:120]} -> {status} {answer.body[:300]!r}"
        assert status in operation["responses"], f"a status that is not documented: {where}"
        response = self.resolve(operation["responses"][status])
        self._judge_headers(response.get("headers", {}), answer, where)
        if method != "HEAD":
            self._judge_body(response.get("content", {}), answer, where)
        self.seen.add((name, status))

    def too_late(self, place: Path, redis: OutsideRedis, waits: Request, behind: Iterable[Request],
                 fields: str = "") -> None:
        """Requests behind one that waits for Redis, in one write to the worker itself: their deadlines pass."""
        def text(request: Request, deadline_ms: int) -> str:
            method, path, body = request
            content = "" if body is None else json.dumps(body)
            return (f"{method} {path} HTTP/1.1\r\nHost: shoal\r\n{fields}X-Request-Deadline-Ms: {deadline_ms}\r\n"
                    f"Content-Length: {len(content)}\r\n\r\n{content}")

        behind = list(behind)
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(20)
            connection.connect(str(place))
            redis.pause()
            try:
                connection.sendall((text(waits, 300) + "".join(text(one, 1) for one in behind)).encode())
                reader = connection.makefile("rb")
                _read_answer(reader, waits[0])
            finally:
                redis.go_on()
            for method, path, _ in behind:
                answer = _read_answer(reader, method)
                self.judge(method, path, answer)
                assert answer.status == 504

    def operation(self, method: str, path: str) -> dict[str, Any]:
        plain = path.partition("?")[0]
        exact = self.document["paths"].get(plain)
        item = exact or next(item for pattern, item in self._paths if pattern.fullmatch(plain))
        found: dict[str, Any] = item[method.lower()]
        return found

    def operations(self) -> dict[str, dict[str, Any]]:
        return {operation["operationId"]: operation for item in self.document["paths"].values()
                for operation in item.values() if isinstance(operation, dict) and "operationId" in operation}

    def resolve(self, element: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in element:
            element = self._resolver.resolve(element["$ref"])[1]
        return element

    def require(self, schema: dict[str, Any], value: Any, where: str) -> None:
        errors = [error.message for error in Draft202012Validator(schema, resolver=self._resolver).iter_errors(value)]
        assert not errors, f"{where}: {errors}"

    def _judge_headers(self, documented: dict[str, Any], answer: Answer, where: str) -> None:
        known = {name.lower(): self.resolve(header) for name, header in documented.items()}
        undocumented = (answer.headers.keys() & self._fields) - known.keys()
        assert not undocumented, f"header fields that are not documented: {undocumented}: {where}"
        for name, header in known.items():
            if name in answer.headers:
                self.require(header["schema"], answer.headers[name], f"{name} of {where}")
            else:
                assert not header.get("required"), f"{name} is missing: {where}"

    def _judge_body(self, documented: dict[str, Any], answer: Answer, where: str) -> None:
        if not documented:
            assert answer.body == b"", f"a body that is not documented: {where}"
            return
        media = answer.headers["content-type"]
        assert media in documented, f"a media type that is not documented: {media}: {where}"
        body = answer.json()
        self.require(documented[media]["schema"], body, where)
        if media == "application/problem+json":
            assert body["status"] == answer.status and len(body["detail"]) > 10, where


def _read_answer(reader: Any, method: str) -> Answer:
    status = int(reader.readline().split()[1])
    headers = {name.lower(): value for name, value in http.client.parse_headers(reader).items()}
    length = 0 if method == "HEAD" else int(headers.get("content-length", "0"))
    return Answer(status, headers, reader.read(length))
