"""Fleets of the real HAProxy, Redis and supervisord in temporary homes, on free ports, always torn down."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Iterator, Mapping

import pytest

from origin_server import Origin
from shoal_cli import PATIENT, ROOT, WORKERS, FleetUnderTest, Make


@pytest.fixture(scope="session")
def binaries() -> Path:
    """The workers under test: $SHOAL_BIN, or what the release preset built."""
    folder = Path(os.environ.get("SHOAL_BIN", ROOT / "build" / "release" / "bin"))
    for worker in WORKERS:
        if not os.access(folder / worker, os.X_OK):
            pytest.fail(f"{folder}/{worker} is missing: cmake --preset release && cmake --build --preset release")
    return folder


@pytest.fixture(scope="session")
def build_tree(binaries: Path) -> Path:
    """Where the binaries under test were built: that is what is installed and packaged."""
    if not (binaries.parent / "CPackConfig.cmake").exists():
        pytest.skip(f"{binaries.parent} is no build of this tree, which could be installed")
    return binaries.parent


@pytest.fixture(scope="module")
def prefix(build_tree: Path) -> Iterator[Path]:
    """Where `cmake --install` put everything."""
    base = Path(tempfile.mkdtemp(prefix="shoal-install-"))
    base.chmod(0o755)
    subprocess.run(["cmake", "--install", build_tree, "--prefix", base / "usr"], check=True, capture_output=True)
    yield base / "usr"
    shutil.rmtree(base)


@pytest.fixture(scope="module")
def make_fleet(binaries: Path) -> Iterator[Make]:
    """Makes fleets that are not started yet; at the module's end they are stopped and their data removed."""
    made: list[FleetUnderTest] = []
    # Not pytest's own folder: its parents are closed to the account that a fleet of root's runs as.
    base = Path(tempfile.mkdtemp(prefix="shoal-fleet-"))
    base.chmod(0o711)

    def make(root: Path = ROOT) -> FleetUnderTest:
        fleet = FleetUnderTest(base / f"home-{len(made)}", binaries, root)
        made.append(fleet)
        return fleet

    yield make
    for fleet in made:
        fleet.destroy()
    shutil.rmtree(base, ignore_errors=True)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "alone: it goes by how long something takes, so nothing else runs beside it")
    config.addinivalue_line("markers", "only_under(routing): what the test says holds under this routing alone")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items[:] = [item for item in items if _is_for_its_routing(item)]


def _is_for_its_routing(item: pytest.Item) -> bool:
    marker, call = item.get_closest_marker("only_under"), getattr(item, "callspec", None)
    return marker is None or call is None or call.params.get("routing") in (None, *marker.args)


def patient(fleet: FleetUnderTest, services: Mapping[str, Any] | None = None, **more: Any) -> str:
    """The file of a configuration for it."""
    config = fleet.home.parent / f"{fleet.home.name}.json"
    config.write_text(json.dumps(PATIENT | more | ({"services": services} if services else {})))
    return str(config)


def before(fleet: FleetUnderTest, origin: str, routing: str = "hash", workers: int = 2) -> Iterator[FleetUnderTest]:
    """It, up before that origin, until whoever asked for it is done."""
    fleet.up("--workers", str(workers), "--config", patient(fleet), "--origin", origin, "--routing", routing)
    yield fleet
    fleet.destroy()


@pytest.fixture(scope="module", params=["hash", "random"])
def routing(request: pytest.FixtureRequest) -> str:
    """The cache's tests run under both: any worker may get any URL."""
    return str(request.param)


@pytest.fixture
def fleet(make_fleet: Make) -> Iterator[FleetUnderTest]:
    """One of this test's own, up with two workers."""
    found = make_fleet()
    found.up("--workers", "2", "--config", patient(found))
    yield found
    found.destroy()


@pytest.fixture(scope="module")
def shared(make_fleet: Make) -> FleetUnderTest:
    """One for all tests of a module that leave it as they found it: three workers."""
    found = make_fleet()
    found.up("--workers", "3")
    return found


@pytest.fixture(scope="module")
def origin() -> Iterator[Origin]:
    with Origin() as found:
        yield found


@pytest.fixture(scope="module")
def cached(make_fleet: Make, origin: Origin, routing: str) -> Iterator[FleetUnderTest]:
    """One for all tests of a module that leave it as they found it: two workers of each service, before `origin`."""
    origin.forget()
    yield from before(make_fleet(), origin.url, routing)
