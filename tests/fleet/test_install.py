"""`cmake --install`: fleets of what is below a prefix, without the sources and without writing there."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Iterator

import pytest

from shoal_cli import FleetUnderTest

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can run as somebody else")


class InstalledFleet(FleetUnderTest):
    """Called as its users do, with the binaries that came with it, and by anybody."""

    def __init__(self, home: Path, prefix: Path, **caller: Any) -> None:
        super().__init__(home, prefix / "lib" / "shoal" / "bin", prefix / "share" / "shoal")
        self._command, self._caller = str(prefix / "bin" / "shoal-fleet"), caller

    def command(self, *arguments: str) -> list[str]:
        return [self._command, *arguments, "--home", str(self.home)]

    def up_line(self, *arguments: str) -> list[str]:
        line = super().up_line(*arguments)
        at = line.index("--bin")
        return line[:at] + line[at + 2:]

    def call(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Without a word about the home."""
        result = subprocess.run([self._command, *arguments], capture_output=True, text=True, timeout=90,
                                stdin=subprocess.DEVNULL, cwd="/", **self._caller)
        assert result.returncode == 0, f"{arguments} ended with {result.returncode}\n{result.stdout}\n{result.stderr}"
        return result


def everything(folder: Path) -> dict[str, tuple[int, int]]:
    found = [folder, *folder.rglob("*")]
    return {str(path): (path.lstat().st_mode, path.lstat().st_mtime_ns) for path in found}


@pytest.fixture
def base() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="shoal-installed-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def test_an_installed_fleet_serves_and_leaves_its_tree_as_it_is(prefix: Path, base: Path) -> None:
    before = everything(prefix)
    fleet = InstalledFleet(base / "home", prefix)
    try:
        said = fleet.up("--workers", "1", "--origin", "http://127.0.0.1:9")
        assert "building" not in said.stderr and "then: shoal-fleet status" in said.stdout
        assert fleet.request("POST", "/v1/limits/demo/alice")[0] == 200
        assert fleet.status()["others"] and not fleet.run("doctor").stderr
        assert fleet.run("cache", "stat").stdout and fleet.run("limits", "show", "demo", "alice").stdout
        load = subprocess.run([prefix / "bin" / "shoal-loadtest", "--rate", "50", "--duration", "200ms",
                               "--method", "POST", "--url", f"http://{fleet.listen}/v1/limits/bulk/{{key}}",
                               "--fleet", fleet.home, "--json", base / "load.json", "--html", base / "load.html"],
                              capture_output=True, text=True, timeout=60, env={**os.environ, "SHOAL_BIN": ""})
        assert load.returncode == 0, load.stdout + load.stderr
        assert json.loads((base / "load.json").read_text())["errors"] == 0
    finally:
        fleet.destroy()
    assert everything(prefix) == before


@needs_root
def test_anybody_runs_one_of_their_own_in_their_home(prefix: Path, base: Path) -> None:
    nobody = pwd.getpwnam("nobody")
    os.chown(base, nobody.pw_uid, nobody.pw_gid)
    fleet = InstalledFleet(base / ".local" / "state" / "shoal", prefix, user=nobody.pw_uid, group=nobody.pw_gid,
                           extra_groups=[], env={"PATH": "/usr/bin:/bin", "HOME": str(base)})
    try:
        fleet.call(*fleet.up_line("--workers", "1"))
        assert {Path(f"/proc/{pid}").stat().st_uid for pid in fleet.processes()} == {nobody.pw_uid}
        assert fleet.request("POST", "/v1/limits/demo/alice")[0] == 200
    finally:
        fleet.call("down", "--purge")
    assert fleet.home.is_dir()


def test_what_people_read_names_the_commands_that_are_there(prefix: Path) -> None:
    for file in prefix.rglob("*"):
        if file.is_file() and file.parent.name != "bin" and file.suffix != ".gz":
            text = file.read_text()
            assert "scripts/fleet" not in text.replace("share/shoal/scripts/fleet", ""), file
            assert "scripts/loadtest" not in text and "@prefix@" not in text and "@service@" not in text, file
    bootstrap = prefix / "share" / "shoal" / "scripts" / "bootstrap"
    assert os.access(bootstrap, os.X_OK)
    assert f'"{bootstrap} run"' in (prefix / "share/shoal/scripts/shoal_fleet/checks.py").read_text()
    for command in ("fleet", "loadtest"):
        help_text = subprocess.run([prefix / "bin" / f"shoal-{command}", "--help"], check=True, capture_output=True,
                                   text=True).stdout
        assert f"shoal-{command} " in help_text


def test_every_service_and_every_file_that_the_tool_reads_is_there(prefix: Path) -> None:
    source = Path(__file__).resolve().parents[2]
    for file in (*source.glob("services/*/service.json"), *source.glob("services/*/*.py"), *source.glob("haproxy/*"),
                 *source.glob("deploy/supervisord/*"), *source.glob("deploy/redis/*"),
                 *source.glob("scripts/shoal_fleet/**/*.py")):
        assert (prefix / "share" / "shoal" / file.relative_to(source)).exists(), file
