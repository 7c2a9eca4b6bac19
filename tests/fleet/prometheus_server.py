"""The real Prometheus with the shipped configuration and rules, hurried so that a test need not wait for minutes."""

from __future__ import annotations

import http.client
import json
import re
import subprocess
import urllib.parse
from pathlib import Path
from types import TracebackType
from typing import Any

from shoal_cli import ROOT, eventually, free_port

SHIPPED = ROOT / "deploy" / "prometheus"


class Prometheus:
    """From `with` to its end, on the admin address of one fleet."""

    def __init__(self, folder: Path, admin: str) -> None:
        self._folder, self._port = folder, free_port()
        config = (SHIPPED / "prometheus.yml").read_text()
        assert config.count("127.0.0.1:8404") == 1
        config = config.replace("127.0.0.1:8404", admin)
        (folder / "prometheus.yml").write_text(re.sub(r"(interval): \d+s", r"\1: 1s", config))
        rules = (SHIPPED / "shoal.rules.yml").read_text()
        (folder / "shoal.rules.yml").write_text(re.sub(r"( for): \w+", r"\1: 1s", rules))

    def __enter__(self) -> "Prometheus":
        with (self._folder / "prometheus.log").open("w") as log:
            self._process = subprocess.Popen(
                ["/usr/bin/prometheus", f"--config.file={self._folder}/prometheus.yml",
                 f"--storage.tsdb.path={self._folder}/data", f"--web.listen-address=127.0.0.1:{self._port}"],
                stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        eventually(self._is_ready, 30, "Prometheus is ready")
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._process.terminate()
        self._process.wait(30)

    def _is_ready(self) -> bool:
        assert self._process.poll() is None, (self._folder / "prometheus.log").read_text()[-2000:]
        try:
            return self._get("/-/ready")[0] == 200
        except OSError:
            return False

    def _get(self, path: str) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=20)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def _api(self, path: str) -> Any:
        status, body = self._get(f"/api/v1/{path}")
        assert status == 200, body
        return json.loads(body)["data"]

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The samples of an instant vector, now."""
        found = self._api("query?" + urllib.parse.urlencode({"query": expression}))
        assert found["resultType"] == "vector", expression
        result: list[dict[str, Any]] = found["result"]
        return result

    def scraped(self) -> dict[str, str]:
        """Targets by instance: up, down, or unknown."""
        return {target["labels"]["instance"]: target["health"] for target in self._api("targets")["activeTargets"]}

    def rules(self) -> list[dict[str, Any]]:
        groups: list[dict[str, Any]] = self._api("rules")["groups"]
        return [rule for group in groups for rule in group["rules"]]

    def firing(self) -> set[str]:
        return {rule["name"] for rule in self.rules() if rule["state"] == "firing"}
