"""Half of all on one key: every worker answers for it then, no other key moves, and it goes back when that is over. The
capacity is set by workers that are made slow, so that the generator of the load is not what is measured."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Iterator, Sequence

import pytest

from loadtest_cli import loadtest
from origin_server import Origin
from shoal_cli import FleetUnderTest, Make, eventually

pytestmark = pytest.mark.alone

WORKERS = 4
SERVICE_MS = 5
CAPACITY = WORKERS * 1000 // SERVICE_MS
HOT_RATE = 100
SETTLING_S = 3
"""Within which a hot key is found, and what its owner had to do meanwhile is done."""
# So many that each worker owns a quarter of them, near enough.
KEYS = [f"key-{number}" for number in range(4000)]
HOT = "hot"


@pytest.fixture(scope="module")
def slow(make_fleet: Make, origin: Origin) -> Iterator[FleetUnderTest]:
    found = make_fleet()
    config = found.home.parent / "slow.json"
    config.write_text(json.dumps({"redis": {"command_timeout": "5s"}, "http": {"test": {
        "service_time": f"{SERVICE_MS}ms"}}, "services": {"limiter": {"rules": [
            {"name": "open", "limit": 1_000_000, "period": "1s"}]}}}))
    found.up("--workers", str(WORKERS), "--config", str(config), "--origin", origin.url, "--hot-key-rate",
             str(HOT_RATE))
    yield found
    found.destroy()


@pytest.fixture(scope="module")
def owners(slow: FleetUnderTest) -> dict[str, str]:
    asked = subprocess.run(slow.command("ring", "locate", "limiter", "-"), capture_output=True, text=True, check=True,
                           input="".join(f"open/{key}\n" for key in [HOT, *KEYS]))
    return dict(line.removeprefix("open/").split("\t") for line in asked.stdout.splitlines())


def keys(folder: Path, every: int) -> Path:
    """A file of them, in which each `every`-th is the hot one; 0: none."""
    file = folder / "keys"
    file.write_text("".join(f"{HOT if every and at % every == 0 else key}\n" for at, key in enumerate(KEYS)))
    return file


def load(fleet: FleetUnderTest, folder: Path, every: int, rate: int, seconds: int) -> list[dict[str, str]]:
    """What became of each request once all has settled."""
    folder.mkdir(exist_ok=True)
    done = loadtest(folder, "--url", f"http://{fleet.listen}/v1/limits/open/{{key}}", "--method", "POST", "--keys",
                    f"file:{keys(folder, every)}", "--rate", str(rate), "--duration", f"{SETTLING_S + seconds}s",
                    "--expect-status", "200,503,504", "--timeout", "20s", "--connections", "2000")
    assert done.results["errors"] == 0
    return [line for line in done.record if int(line["number"]) >= SETTLING_S * rate]


def answered(record: Sequence[dict[str, str]]) -> int:
    return sum(line["status"] == "200" for line in record)


def others(record: Sequence[dict[str, str]]) -> list[dict[str, str]]:
    return [line for line in record if line["key"] != HOT]


def p99_ms(record: Sequence[dict[str, str]]) -> float:
    return sorted(float(line["latency_us"]) for line in record)[len(record) * 99 // 100] / 1000


def answerers(record: Sequence[dict[str, str]]) -> Counter[str]:
    return Counter(line["worker"] for line in record if line["key"] == HOT)


def strays(record: Sequence[dict[str, str]], owners: dict[str, str]) -> list[dict[str, str]]:
    """Requests for keys that are not hot, answered by another worker than their owner."""
    return [line for line in others(record) if line["worker"] not in ("", "-", owners[line["key"]])]


def test_half_of_all_on_one_key_is_borne_by_all_and_felt_by_none(slow: FleetUnderTest, owners: dict[str, str],
                                                                tmp_path: Path) -> None:
    rate, seconds = CAPACITY * 3 // 4, 4
    uniform = load(slow, tmp_path / "uniform", 0, rate, seconds)
    assert strays(uniform, owners) == []
    with ThreadPoolExecutor() as pool:
        loading = pool.submit(load, slow, tmp_path / "hot", 2, rate, seconds)
        eventually(lambda: any(one["rate"] > HOT_RATE for one in json.loads(slow.run("ring", "hot", "--json").stdout)),
                   10, "it is named")
        said = slow.run("ring", "hot").stdout.split("\t")
        gauge = slow.request("GET", "/metrics", port=slow.admin)[2]
        hot = loading.result()
    print(f"{answered(hot)} of {len(hot)}, uniform {answered(uniform)}; p99 of the others {p99_ms(others(hot))} ms, "
          f"uniform {p99_ms(uniform)} ms")
    assert answered(hot) >= 0.8 * answered(uniform)
    assert p99_ms(others(hot)) <= 1.5 * p99_ms(uniform) + 10 * SERVICE_MS
    assert strays(hot, owners) == []
    spread = answerers(hot)
    assert len(spread) == WORKERS and max(spread.values()) < 0.4 * spread.total(), spread
    assert said[:2] == ["limiter", f"open/{HOT}"] and HOT_RATE < int(said[2]) < rate
    assert b'haproxy_sticktable_used{name="shoal-hot-keys",type="string"} 1\n' in gauge

    def at_home() -> bool:
        return all(slow.request("POST", f"/v1/limits/open/{HOT}")[1]["x-shoal-worker"] == owners[HOT]
                   for _ in range(20))

    eventually(at_home, 5, "it is answered by its owner again")
    eventually(lambda: slow.run("ring", "hot").stdout == "", 5, "it is not named any more")


@pytest.mark.parametrize(("every", "rate"), [(2, HOT_RATE * 3 // 2), (5, HOT_RATE * 11 // 2)],
                         ids=["slower than the rate", "less than a worker's part"])
def test_a_key_that_is_not_hot_stays(slow: FleetUnderTest, owners: dict[str, str], tmp_path: Path, every: int,
                                     rate: int) -> None:
    record = load(slow, tmp_path, every, rate, 1)
    assert set(answerers(record)) == {owners[HOT]}
    assert strays(record, owners) == []


def test_a_page_may_be_hot_as_well(slow: FleetUnderTest, origin: Origin, tmp_path: Path) -> None:
    origin.page("/hot", "hot", cache_control="max-age=600")
    done = loadtest(tmp_path, "--url", f"http://127.0.0.1:{slow.site}/{HOT}", "--rate", "300", "--duration", "2s",
                    "--connections", "500", "--timeout", "20s")
    assert set(done.results["workers"]) == {f"cache-{number}" for number in range(1, WORKERS + 1)}
