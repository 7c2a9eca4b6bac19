"""Who runs what, who may reach it, and where it listens."""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from pathlib import Path

import pytest

from shoal_cli import ROOT, FleetUnderTest, free_port

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can run as somebody else")


def owner(pid: int) -> str:
    return pwd.getpwuid(Path(f"/proc/{pid}").stat().st_uid).pw_name


def listening(pids: list[int]) -> set[str]:
    """host:port (hexadecimal, as the kernel shows it) of every TCP socket on which one of these listens."""
    inodes = set()
    for pid in pids:
        for link in Path(f"/proc/{pid}/fd").iterdir():
            try:
                target = os.readlink(link)
            except OSError:
                continue
            if target.startswith("socket:["):
                inodes.add(target[8:-1])
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and fields[9] in inodes:
                found.add(fields[1])
    return found


@needs_root
def test_started_as_root_everything_runs_as_the_account(shared: FleetUnderTest) -> None:
    pids = shared.processes()
    assert len(pids) >= 7
    assert {owner(pid) for pid in pids} == {"shoal"}
    assert shared.status()["account"] == "shoal"
    for pid in pids:
        status = Path(f"/proc/{pid}/status").read_text()
        groups = next(line for line in status.splitlines() if line.startswith("Groups:"))
        assert groups.split()[1:] in ([], [str(pwd.getpwnam("shoal").pw_gid)]), "none of root's groups"


def test_sockets_and_folders_are_closed_to_others(shared: FleetUnderTest) -> None:
    run = shared.run_folder
    assert stat.S_IMODE(run.stat().st_mode) == 0o700
    sockets = [path for path in run.iterdir() if path.is_socket()]
    assert len(sockets) >= 7
    assert {stat.S_IMODE(path.stat().st_mode) & 0o077 for path in run.iterdir()} == {0}
    assert {stat.S_IMODE(path.stat().st_mode) for path in sockets} == {0o600}
    for folder in ("logs", "redis"):
        assert stat.S_IMODE((shared.data / folder).stat().st_mode) == 0o700
    for path in shared.data.rglob("*"):
        assert not path.stat().st_mode & 0o007, f"{path} is open to everybody"
    assert stat.S_IMODE((shared.home / "state.json").stat().st_mode) == 0o600


@needs_root
def test_the_account_can_not_change_what_root_runs_or_reads(shared: FleetUnderTest) -> None:
    for folder in ("conf", "conf/programs", "bin"):
        found = (shared.data / folder).stat()
        assert (found.st_uid, found.st_mode & 0o022) == (0, 0)


def test_nothing_listens_on_a_public_address(shared: FleetUnderTest) -> None:
    admin = shared.admin_port()
    assert listening(shared.processes()) == {f"0100007F:{shared.port:04X}", f"0100007F:{admin:04X}"}


@needs_root
def test_started_as_a_user_everything_runs_as_that_user(binaries: Path) -> None:
    nobody = pwd.getpwnam("nobody")
    base = Path(tempfile.mkdtemp(prefix="shoal-fleet-user-"))
    os.chown(base, nobody.pw_uid, nobody.pw_gid)
    as_nobody = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": [], "cwd": "/",
                 "env": {"PATH": "/usr/bin:/bin"}, "capture_output": True, "text": True}
    tool = str(ROOT / "scripts" / "fleet")
    if subprocess.run([tool, "--help"], **as_nobody).returncode != 0:  # type: ignore[call-overload]
        pytest.skip("this tree can't be read by other users")
    mine = base / "bin"
    shutil.copytree(binaries, mine)
    for path in (mine, *mine.iterdir()):
        path.chmod(0o755)
    fleet = FleetUnderTest(base / "home", mine, ROOT)
    fleet.port = free_port()
    try:
        result = subprocess.run([tool, "up", "--home", str(fleet.home), "--bin", str(mine), "--workers", "2",
                                 "--listen", fleet.listen], **as_nobody)  # type: ignore[call-overload]
        assert result.returncode == 0, result.stderr
        assert {owner(pid) for pid in fleet.processes()} == {"nobody"}
        assert stat.S_IMODE(fleet.run_folder.stat().st_mode) == 0o700
        assert fleet.request("POST", "/v1/limits/demo/x")[0] == 200
    finally:
        result = subprocess.run([tool, "down", "--purge", "--home", str(fleet.home)],
                                **as_nobody)  # type: ignore[call-overload]
        shutil.rmtree(base, ignore_errors=True)
    assert result.returncode == 0, result.stderr
