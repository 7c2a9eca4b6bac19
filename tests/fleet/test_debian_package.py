"""The Debian package: what is in it, and that a machine without the sources installs it, runs it and gets rid of it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Iterator

import pytest

from fresh_machine import FreshMachine
from shoal_cli import ROOT, eventually
from unit_file import Unit

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root makes a machine of its own and installs on it")
ALLOW_ONLY = Path(__file__).with_name("allow_only.py")
DATA, UNITS = "/var/lib/shoal", "/usr/lib/systemd/system"


def output(*command: str | Path) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.fixture(scope="module")
def package(build_tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("package")
    output("cpack", "-G", "DEB", "--config", build_tree / "CPackConfig.cmake", "-B", folder)
    return next(folder.glob("shoal_*.deb"))


@pytest.fixture(scope="module")
def shared_machine(package: Path) -> Iterator[FreshMachine]:
    with FreshMachine(ROOT) as fresh:
        fresh.run("sh", "-c", "if getent passwd shoal; then userdel shoal; fi; rm -rf /var/lib/shoal")
        for file in (package, ALLOW_ONLY):
            shutil.copy(file, fresh.path(f"/{file.name}"))
        yield fresh


@pytest.fixture
def machine(shared_machine: FreshMachine, package: Path) -> FreshMachine:
    """With the package installed, whatever the test before did."""
    install(shared_machine, package)
    return shared_machine


def install(machine: FreshMachine, package: Path) -> None:
    machine.run("dpkg", "--force-unsafe-io", "-i", f"/{package.name}")


def test_it_needs_what_bootstrap_installs_and_the_libraries_it_links(package: Path, build_tree: Path) -> None:
    def field(name: str) -> str:
        return output("dpkg-deb", "-f", package, name).strip()

    assert field("Package") == "shoal"
    version = re.search(r"project\(shoal VERSION (\S+)", (ROOT / "CMakeLists.txt").read_text())
    assert version and field("Version") == version[1]
    depends = {entry.split()[0] for entry in field("Depends").split(", ")}
    run = re.search(r"^run_packages=\((.*)\)$", (ROOT / "scripts" / "bootstrap").read_text(), re.MULTILINE)
    assert run
    essential = {name for name in run[1].split() if "yes" in output("dpkg-query", "-W", "-f=${Essential}", name)}
    assert set(run[1].split()) - essential <= depends
    assert {"libc6", "libstdc++6", "libhiredis0.14", "libc-ares2"} <= depends


def test_it_has_its_files_below_usr_as_root_owns_them(package: Path) -> None:
    lines = [line.split(maxsplit=5) for line in output("dpkg-deb", "-c", package).splitlines()]
    assert {owner for _, owner, *_ in lines} == {"root/root"}
    for mode, *_, name in lines:
        assert name.startswith("./usr/") and (mode.startswith("l") or not {mode[5], mode[8]} & {"w"}), name
        assert "__pycache__" not in name
    names = {name.split(" -> ")[0] for *_, name in lines}
    for wanted in ("bin/shoal-fleet", "bin/shoal-loadtest", "lib/shoal/bin/shoal-limiter", "lib/shoal/bin/shoal-cache",
                   "lib/shoal/bin/shoal-load", "lib/systemd/system/shoal-limiter@.service",
                   "share/doc/shoal/copyright", "share/doc/shoal/README.md"):
        assert f"./usr/{wanted}" in names


def test_debians_own_checker_finds_no_error(package: Path) -> None:
    if not shutil.which("lintian"):
        pytest.skip("lintian is not installed")
    checked = subprocess.run(["lintian", "--fail-on", "error", package], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout


@needs_root
def test_installing_makes_the_account_and_starts_nothing(machine: FreshMachine) -> None:
    assert machine.run("getent", "passwd", "shoal").strip().endswith(":/nonexistent:/usr/sbin/nologin")
    assert machine.programs() == set()
    assert not machine.path(DATA).exists()


@needs_root
def test_a_fleet_runs_from_it_over_an_upgrade_and_until_it_is_removed(machine: FreshMachine, package: Path) -> None:
    machine.run("shoal-fleet", "up", "--workers", "1")
    answer = machine.run("curl", "-sS", "-X", "POST", "http://127.0.0.1:8080/v1/limits/demo/alice")
    assert json.loads(answer)["allowed"] is True
    pids = machine.run("pidof", "shoal-limiter")
    install(machine, package)
    assert machine.run("pidof", "shoal-limiter") == pids
    machine.run("shoal-fleet", "status", "--check")

    machine.run("dpkg", "--force-unsafe-io", "-r", "shoal")
    eventually(lambda: machine.programs() == set(), 10, "what the package ran has ended")
    assert "/var/lib/shoal is kept" in machine.run("dpkg", "-P", "shoal")
    assert machine.path(f"{DATA}/main/state.json").exists()
    machine.run("getent", "passwd", "shoal")
    assert not machine.path("/usr/share/shoal").exists()


def as_the_unit_runs(unit: Unit, line: str) -> list[str]:
    """Its command as systemd would run it, as far as that goes without systemd: with the unit's capabilities and system
    calls and no more, and with nothing to write to but what the unit lets through."""
    capabilities = ",".join(["-all", *(f"+{name.lower()[4:]}" for name in unit.words("CapabilityBoundingSet"))])
    writable = [*unit.words("ReadWritePaths"), *(f"/var/lib/{name}" for name in unit.words("StateDirectory"))]
    sandbox = "".join(f"mkdir -p {path}; mount --bind {path} {path}; " for path in writable)
    sandbox += f"mount -o remount,bind,ro /; exec setpriv --no-new-privs --bounding-set={capabilities} -- "
    sandbox += f"/usr/bin/python3 /allow_only.py {unit.value('SystemCallFilter')} -- {line}"
    return ["unshare", "--mount", "sh", "-euc", sandbox]


@needs_root
def test_the_fleets_unit_may_do_what_its_commands_do(machine: FreshMachine) -> None:
    unit = Unit(machine.path(f"{UNITS}/shoal-fleet@.service").read_text(), "unit")
    machine.run("shoal-fleet", "up", "--home", f"{DATA}/unit", "--workers", "1", "--listen", "127.0.0.1:8090")
    machine.run("shoal-fleet", "down", "--home", f"{DATA}/unit")
    for name in ("ExecStart", "ExecReload"):
        machine.run(*as_the_unit_runs(unit, unit.value(name)))
        machine.run("curl", "-sSf", "-X", "POST", "http://127.0.0.1:8090/v1/limits/demo/alice")
    machine.run(*as_the_unit_runs(unit, unit.value("ExecStop")))
    assert machine.programs() == set()


@needs_root
def test_purging_takes_the_account_when_no_fleet_left_anything(machine: FreshMachine) -> None:
    machine.run("rm", "-rf", DATA)
    machine.run("dpkg", "-P", "shoal")
    machine.run("getent", "passwd", "shoal", code=2)
