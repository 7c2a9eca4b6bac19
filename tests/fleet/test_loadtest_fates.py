"""scripts/loadtest knows what became of each request, of servers whose failures are known."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import threading
from collections import Counter
from pathlib import Path
from typing import Callable

import pytest

from known_server import Answer, Asked, KnownServer
from loadtest_cli import command, environment, loadtest, read_record
from shoal_cli import eventually, free_port


def test_every_failure_of_a_server_is_counted_as_what_it_was(tmp_path: Path) -> None:
    def fail(asked: Asked) -> Answer:
        kinds: list[tuple[int, Answer]] = [
            (50, Answer(raw=b"HTTP/1.1 2oo Known\r\n\r\n")), (40, Answer(never=True)), (25, Answer(close=True)),
            (20, Answer(reset=True)), (10, Answer(status=500)), (8, Answer(body=b"wrong")),
            (7, Answer(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nright"))]
        return next((answer for every, answer in kinds if asked.number % every == 0), Answer(body=b"right"))

    with KnownServer(fail) as server:
        loaded = loadtest(tmp_path, "--url", server.url, "--rate", "200", "--duration", "2s", "--expect-body", "right",
                          "--timeout", "2s", code=1)
        assert server.requests == 400

    def count(*every: int, but: tuple[int, ...] = ()) -> int:
        return sum(any(number % one == 0 for one in every) and not any(number % one == 0 for one in but)
                   for number in range(1, 401))

    assert loaded.fates == {
        "malformed": count(50),
        "timeout": count(40, but=(50,)),
        "closed_early": count(25, but=(50, 40)) + count(7, but=(50, 40, 25, 20, 10, 8)),
        "reset": count(20, but=(50, 40, 25)),
        "wrong_status": count(10, but=(50, 40, 25, 20)),
        "wrong_body": count(8, but=(50, 40, 25, 20, 10)),
        "ok": 400 - count(50, 40, 25, 20, 10, 8, 7),
    }
    assert loaded.results["statuses"].keys() == {"200", "500"}
    timed_out = [line for line in loaded.record if line["fate"] == "timeout"]
    assert all(2_000_000 <= float(line["latency_us"]) < 3_500_000 for line in timed_out)
    assert "wrong_status" in loaded.output and "closed before the answer was complete" in loaded.output


def test_nobody_listening_is_a_failure_to_connect(tmp_path: Path) -> None:
    loaded = loadtest(tmp_path, "--url", f"http://127.0.0.1:{free_port()}/", "--rate", "100", "--duration", "1s", code=1)
    assert loaded.fates == {"connect_failed": 100}
    assert loaded.results["details"] == {"connect_failed: Connection refused": 100}
    assert all(line["sent_us"] == "-" for line in loaded.record)
    closed = loadtest(tmp_path, "--url", f"http://127.0.0.1:{free_port()}/", "--closed", "2", "--duration", "1s", code=1)
    # A server that is gone is not asked as fast as the processor can.
    assert 2 <= closed.results["requests"] <= 250


def test_requests_that_find_no_connection_are_not_sent_and_not_forgotten(tmp_path: Path) -> None:
    with KnownServer(lambda asked: Answer(never=True)) as server:
        loaded = loadtest(tmp_path, "--url", server.url, "--rate", "500", "--duration", "200ms", "--connections", "1",
                          "--waiting", "50", "--timeout", "2s", code=1)
        # A request that was given up leaves its place to another, shortly before that is given up as well.
        assert server.requests == loaded.fates["timeout"] <= 30
    assert loaded.fates["queue_full"] == 49
    assert loaded.fates["timeout"] + loaded.fates["waited_too_long"] == 51
    assert {line["fate"] for line in loaded.record if line["sent_us"] == "-"} == {"waited_too_long", "queue_full"}
    # Those that were given up have waited: the percentiles say so.
    assert loaded.results["latency_ms"]["p50"] >= 2000


def test_a_change_of_owner_is_seen(tmp_path: Path) -> None:
    def answer(asked: Asked) -> Answer:
        number = int(asked.key.removeprefix("key-"))
        worker = number % 3 if asked.number <= 200 or number != 7 else 9
        return Answer(headers={"X-Shoal-Worker": f"limiter-{worker}"} if asked.number != 150 else {})

    with KnownServer(answer) as server:
        loaded = loadtest(tmp_path, "--url", f"{server.url}/{{key}}", "--keys", "uniform:10", "--rate", "200",
                          "--duration", "2s", "--check-owner", "--connections", "1", code=1)
    # Key 7 moved once, and one answer had no owner.
    assert loaded.fates == {"ok": 398, "wrong_owner": 2}
    assert loaded.results["owner_changes"] == 1
    workers = loaded.results["workers"]
    assert {name: worker["keys"] for name, worker in workers.items()} == {
        "limiter-0": 3, "limiter-1": 3, "limiter-2": 3, "limiter-9": 1}
    assert sum(worker["requests"] for worker in workers.values()) == 399


def test_a_body_older_than_one_seen_is_stale(tmp_path: Path) -> None:
    with KnownServer(lambda asked: Answer(body=b'{"version": %d}' % (5 if asked.number == 100 else asked.number))) as server:
        loaded = loadtest(tmp_path, "--url", server.url, "--keys", "uniform:1", "--rate", "100", "--duration", "2s",
                          "--check-fresh", '"version":', "--connections", "1", code=1)
    assert loaded.fates["wrong_body"] == 200  # a colon at the end names a field of the head
    with KnownServer(lambda asked: Answer(body=b'{"version": %d}' % (5 if asked.number == 100 else asked.number))) as server:
        loaded = loadtest(tmp_path, "--url", server.url, "--keys", "uniform:1", "--rate", "100", "--duration", "2s",
                          "--check-fresh", '"version": ', "--connections", "1", code=1)
    assert loaded.fates == {"ok": 199, "stale": 1}
    with KnownServer(lambda asked: Answer(headers={"X-Version": str(1 if asked.number == 100 else 2)})) as server:
        loaded = loadtest(tmp_path, "--url", server.url, "--keys", "uniform:1", "--rate", "100", "--duration", "2s",
                          "--check-fresh", "X-Version:", "--connections", "1", code=1)
    assert loaded.fates == {"ok": 199, "stale": 1}


def test_a_limiter_that_admits_too_much_is_found_out(tmp_path: Path) -> None:
    def limiter(most: int) -> Callable[[Asked], Answer]:
        taken: Counter[str] = Counter()

        def answer(asked: Asked) -> Answer:
            taken[asked.key] += 1
            return Answer(status=200 if taken[asked.key] <= most else 429)

        return answer

    for most, errors in ((10, 0), (13, 3)):
        with KnownServer(limiter(most)) as server:
            loaded = loadtest(tmp_path, "--url", f"{server.url}/{{key}}", "--keys", "uniform:1", "--rate", "100",
                              "--duration", "1s", "--expect-status", "200,429", "--check-admissions", "10/10h",
                              code=1 if errors else 0)
        assert loaded.results["fates"]["over_admitted"] == loaded.results["errors"] == errors
        assert loaded.results["statuses"]["200"]["requests"] == most


def test_a_kept_connection_that_was_closed_is_tried_again_only_on_request(tmp_path: Path) -> None:
    def close_every_tenth(asked: Asked) -> Answer:
        return Answer(close=asked.number % 10 == 0)

    arguments = ("--rate", "100", "--duration", "1s", "--connections", "1")
    with KnownServer(close_every_tenth) as server:
        assert loadtest(tmp_path, "--url", server.url, *arguments, code=1).fates == {"ok": 90, "closed_early": 10}
    with KnownServer(close_every_tenth) as server:
        again = loadtest(tmp_path, "--url", server.url, *arguments, "--retry")
        assert again.fates == {"ok": 100} and again.results["generator"]["retried"] == 11
        assert server.requests == 111
    with KnownServer(close_every_tenth) as server:
        writes = loadtest(tmp_path, "--url", server.url, *arguments, "--retry", "--method", "POST", code=1)
        assert writes.fates == {"ok": 90, "closed_early": 10}


def test_a_signal_ends_a_run_with_the_results_so_far(tmp_path: Path) -> None:
    results, record = tmp_path / "results.json", tmp_path / "record.tsv"
    page = tmp_path / "page.html"
    with KnownServer(lambda asked: Answer(never=asked.number == 50)) as server:
        process = subprocess.Popen(command("--url", server.url, "--rate", "100", "--duration", "1h", "--timeout", "9m",
                                           "--json", results, "--record", record, "--html", page),
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment())
        try:
            eventually(lambda: server.requests >= 100, 60, "a hundred requests")
            process.send_signal(signal.SIGINT)
            output, _ = process.communicate(timeout=30)
        finally:
            process.kill()
    assert process.returncode == 130
    assert "Stopped before its end" in output
    found = json.loads(results.read_text())
    assert found["interrupted"] and found["requests"] >= 100
    assert found["fates"]["stopped"] >= 1 and found["fates"]["stopped_unsent"] == 0
    assert sum(found["fates"].values()) == found["requests"] == len(read_record(record))
    assert "Stopped before its end" in page.read_text()


def test_what_is_sent_is_what_was_asked_for(tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.write_text("alice\nbob/1\n")
    with KnownServer() as server:
        loadtest(tmp_path, "--url", f"{server.url}/v1/{{key}}?n={{n}}", "--keys", f"file:{keys}", "--method",
                 "POST=2,GET=1,HEAD=1", "--header", "Idempotency-Key: {n}-{key}", "--body", '{"of":"{key}"}', "--rate", "50",
                 "--duration", "2s", "--host", "shop.example", "--connections", "1")
        asked = server.asked
    assert Counter(one.method for one in asked) == {"POST": 50, "GET": 25, "HEAD": 25}
    for number, one in enumerate(asked):
        key = ("alice", "bob/1")[number % 2]
        assert one.target == f"/v1/{key.replace('/', '%2F')}?n={number}"
        assert f"Idempotency-Key: {number}-{key}\r\n".encode() in one.head
        assert b"Host: shop.example\r\n" in one.head
        assert one.body == (f'{{"of":"{key}"}}'.encode() if one.method == "POST" else b"")


def test_an_access_log_is_asked_again(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    line = '127.0.0.1 - - [17/May/2015:10:05:03 +0000] "{} HTTP/1.1" 200 5 "-" "agent \\"x\\""\n'
    log.write_text("".join(line.format(request) for request in ("GET /a?b=c", "POST /never", "HEAD /d%20e", "GET /a?b=c")))
    with KnownServer() as server:
        loaded = loadtest(tmp_path, "--url", f"{server.url}{{key}}", "--keys", f"log:{log}", "--rate", "60", "--duration",
                          "100ms", "--connections", "1")
        assert [one.target for one in server.asked] == ["/a?b=c", "/d%20e", "/a?b=c"] * 2
    assert loaded.results["keys"] == {"different": 2, "skipped_lines": 1}


def test_the_same_seed_gives_the_same_requests(tmp_path: Path) -> None:
    def keys(*seed: str) -> tuple[list[str], int]:
        with KnownServer() as server:
            loaded = loadtest(tmp_path, "--url", f"{server.url}/{{key}}", "--keys", "zipf:1000", "--rate", "100",
                              "--duration", "500ms", *seed)
        assert f"(seed {loaded.results['asked']['seed']})" in loaded.output
        ordered = sorted(loaded.record, key=lambda line: int(line["number"]))
        return [line["key"] for line in ordered], loaded.results["asked"]["seed"]

    first, seed = keys()
    assert keys("--seed", str(seed)) == (first, seed)
    assert keys("--seed", "1")[0] != first


def test_connections_are_kept_or_not(tmp_path: Path) -> None:
    with KnownServer() as server:
        loadtest(tmp_path, "--url", server.url, "--rate", "50", "--duration", "1s", "--connections", "1")
        assert server.connections == 1
    with KnownServer() as server:
        loaded = loadtest(tmp_path, "--url", server.url, "--rate", "50", "--duration", "1s", "--no-keep-alive")
        assert server.connections == 50 and b"Connection: close\r\n" in server.asked[0].head
    assert loaded.results["generator"]["connections_opened"] == 50


def test_a_unix_socket_is_loaded_like_any_other(tmp_path: Path) -> None:
    path = Path(os.environ.get("TMPDIR", "/tmp")) / f"load-{os.getpid()}.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen(64)

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    while connection.recv(65536):
                        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            loaded = loadtest(tmp_path, "--url", "http://site.example/", "--unix", str(path), "--rate", "100",
                              "--duration", "1s", "--connections", "1", "--expect-body", "ok")
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            path.unlink()
            thread.join(10)
    assert loaded.fates == {"ok": 100} and loaded.results["target"] == f"unix:{path}"


@pytest.mark.parametrize("host", ["1.1.1.1", "0.0.0.0", "[2606:4700:4700::1111]", "[::ffff:1.1.1.1]"])
def test_only_this_machine_is_loaded(tmp_path: Path, host: str) -> None:
    for permission in ((), ("--target-is-mine",), ("--really",)):
        loaded = loadtest(tmp_path, "--url", f"http://{host}/", "--duration", "1s", *permission, code=2)
        assert "--target-is-mine" in loaded.complaints and "--really" in loaded.complaints
        assert not loaded.results and not loaded.record


def test_with_both_words_a_target_that_is_not_loopback_is_loaded(tmp_path: Path) -> None:
    # 0.0.0.0 is no loopback address and yet reaches this machine.
    with KnownServer() as server:
        loaded = loadtest(tmp_path, "--url", f"http://0.0.0.0:{server.port}/", "--rate", "10", "--duration", "500ms",
                          "--target-is-mine", "--really")
    assert loaded.fates == {"ok": 5}


def test_names_and_mapped_addresses_of_this_machine_are_its_own(tmp_path: Path) -> None:
    with KnownServer() as server:
        for host in ("[::ffff:127.0.0.1]", "127.0.0.1"):
            loaded = loadtest(tmp_path, "--url", f"http://{host}:{server.port}/", "--rate", "10", "--duration", "300ms")
            assert loaded.fates == {"ok": 3}


@pytest.mark.parametrize(("arguments", "said"), [
    (("--url", "http://127.0.0.1:1/", "--rate", "fast"), "--rate 'fast'"),
    (("--url", "http://127.0.0.1:1/", "--keys", "file:/nothing/there"), "/nothing/there can't be read: No such file"),
    (("--url", "http://127.0.0.1:1/", "--pid", "4194305"), "there is no such process"),
    (("--url", "http://127.0.0.1:1/", "--html", "/nothing/there.html"), "--html '/nothing/there.html' can't be written"),
    (("--url", "http://127.0.0.1:1/", "--html"), "--html wants a value"),
    (("--rate", "1"), "--url is missing"),
    (("compare", "a.json"), "compare A.json B.json"),
])
def test_wrong_usage_says_what_and_where(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    done = subprocess.run(command(*arguments), capture_output=True, text=True, timeout=60, env=environment(), check=False)
    assert done.returncode == 2 and said in done.stderr and "--help" in done.stderr


def test_too_few_descriptors_are_named_with_the_way_out(tmp_path: Path) -> None:
    done = subprocess.run(["/bin/bash", "-c", 'ulimit -n 100; exec "$@"', "limited",
                           *command("--url", "http://127.0.0.1:1/", "--connections", "500")],
                          capture_output=True, text=True, timeout=60, env=environment(), check=False)
    assert done.returncode == 2 and "'ulimit -n 564'" in done.stderr
