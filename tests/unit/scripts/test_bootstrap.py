"""scripts/bootstrap with commands of its own in PATH: nothing is installed, disabled or made here."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[3] / "scripts" / "bootstrap"
ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="only root installs")


class Machine:
    """A machine whose packages are lines of a file, and whose commands write down how they were called."""

    def __init__(self, folder: Path) -> None:
        self.commands, self.prefix = folder / "bin", folder / "root"
        self.packages, self.calls = folder / "packages", folder / "calls"
        self.policy = self.prefix / "usr/sbin/policy-rc.d"
        self.clusters = self.prefix / "etc/postgresql-common/createcluster.d"
        for path in (self.commands, self.policy.parent, self.prefix / "run", self.prefix / "etc/hosts"):
            path.mkdir(parents=True)
        self.packages.write_text("")
        self.calls.write_text("")
        self.command("dpkg-query", f"""
            case $* in
                *'${{Package}}'*) sed 's/^/installed /' {self.packages} ;;
                -L*) [ "$2" = haproxy ] && echo /lib/systemd/system/haproxy.service && echo /etc/init.d/haproxy
                     [ "$2" = old ] && echo /lib/systemd/system/old.service; exit 0 ;;
                *) grep -qx "${{!#}}" {self.packages} && echo installed ;;
            esac""")
        self.command("apt-get", f"""
            case $* in *install*) cat {self.policy} >>{self.calls}.policy
                cat {self.clusters}/*.conf >>{self.calls}.clusters
                for word; do case $word in -*|*=*|*::*|install) ;; *) echo "$word" >>{self.packages} ;; esac; done ;; esac""")
        for name in ("systemctl", "deb-systemd-helper", "update-rc.d", "useradd"):
            self.command(name, "")
        self.command("sudo", "exit 1")
        self.command("getent", "exit 2")

    def command(self, name: str, script: str) -> None:
        path = self.commands / name
        path.write_text(f'#!/bin/bash\necho "{name} $*" >>{self.calls}\n{script}\n')
        path.chmod(0o755)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PATH": f"{self.commands}:{os.environ['PATH']}",
                       "SHOAL_BOOTSTRAP_PREFIX": str(self.prefix)}
        return subprocess.run([SCRIPT, *arguments], env=environment, capture_output=True, text=True, timeout=60, check=False)

    def missing(self, *purposes: str) -> list[str]:
        return self.run("--print", *purposes).stdout.split()

    def called(self, name: str) -> list[str]:
        return [line for line in self.calls.read_text().splitlines() if line.split()[0] == name]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_print_lists_what_lacks_once_and_changes_nothing(machine: Machine) -> None:
    machine.packages.write_text("haproxy\ng++\n")
    missing = machine.missing("run", "build", "test")
    assert "redis-server" in missing and "catch2" in missing
    assert "haproxy" not in missing and "g++" not in missing
    assert len(missing) == len(set(missing))
    assert {line.split()[0] for line in machine.calls.read_text().splitlines()} == {"dpkg-query"}


def test_each_purpose_asks_for_no_more_than_it_needs(machine: Machine) -> None:
    run, build, default = (set(machine.missing(*purpose)) for purpose in (["run"], ["build"], []))
    assert default == run | build
    assert not run & build
    for only_for_tests in ("catch2", "clang-tidy-14", "python3-pytest", "nginx-light", "wrk", "prometheus"):
        assert only_for_tests not in default
    assert set(machine.missing("test")) > default
    assert "nginx-light" in machine.missing("bench")
    assert machine.missing("postgres") == ["postgresql-15"]
    assert "postgresql-15" in machine.missing("test") and "postgresql-15" not in default


def test_nothing_missing_needs_neither_network_nor_root(machine: Machine) -> None:
    machine.packages.write_text("\n".join(machine.missing("build")) + "\n")
    assert machine.run("build").returncode == 0
    assert not machine.called("apt-get") and not machine.called("sudo")


@ROOT_ONLY
def test_installs_what_is_missing_and_no_daemon_may_start_meanwhile(machine: Machine) -> None:
    done = machine.run("run")
    assert done.returncode == 0, done.stderr
    installing = [line for line in machine.called("apt-get") if " install " in line]
    assert len(installing) == 1 and "haproxy" in installing[0] and "--no-install-recommends" in installing[0]
    assert Path(f"{machine.calls}.policy").read_text().endswith("exit 101\n")
    assert not machine.policy.exists()
    assert machine.missing("run") == []


@ROOT_ONLY
def test_disables_the_units_that_came_with_it_and_no_older_one(machine: Machine) -> None:
    machine.packages.write_text("old\n")
    machine.run("run")
    assert machine.called("systemctl") == ["systemctl disable --no-reload haproxy.service"]
    assert machine.called("update-rc.d") == ["update-rc.d haproxy disable"]

    machine.calls.write_text("")
    machine.packages.write_text("haproxy\n")
    machine.run("run")
    assert not machine.called("systemctl")


@ROOT_ONLY
def test_without_systemctl_the_helper_of_debian_disables(machine: Machine) -> None:
    machine.command("systemctl", "exit 1")
    machine.run("run")
    assert machine.called("deb-systemd-helper") == ["deb-systemd-helper disable haproxy.service"]


@ROOT_ONLY
@pytest.mark.parametrize("owners", [True, False])
def test_no_cluster_of_debians_is_made_meanwhile(machine: Machine, owners: bool) -> None:
    mine = machine.clusters / "mine.conf"
    if owners:
        machine.clusters.mkdir(parents=True)
        mine.write_text("ssl = off\n")
    machine.run("postgres")
    assert "\ncreate_main_cluster = false\n" in Path(f"{machine.calls}.clusters").read_text()
    assert [*machine.clusters.parent.rglob("*.conf")] == ([mine] if owners else [])
    assert machine.clusters.parent.exists() == owners and (machine.prefix / "etc").is_dir()


@ROOT_ONLY
def test_the_owners_policy_is_put_back(machine: Machine) -> None:
    machine.policy.write_text("the owner's\n")
    machine.run("run")
    assert machine.policy.read_text() == "the owner's\n"


@ROOT_ONLY
@pytest.mark.parametrize("owners", [True, False])
def test_what_a_killed_run_left_is_cleared(machine: Machine, owners: bool) -> None:
    machine.command("apt-get", "kill -9 $PPID")
    if owners:
        machine.policy.write_text("the owner's\n")
    machine.run("run")
    assert "exit 101" in machine.policy.read_text() and [*machine.clusters.iterdir()]
    machine.command("apt-get", "")
    machine.run("run")
    assert machine.policy.exists() == owners and not machine.clusters.exists()
    assert not owners or machine.policy.read_text() == "the owner's\n"


@ROOT_ONLY
def test_a_failing_apt_is_reported_and_the_policy_is_still_undone(machine: Machine) -> None:
    machine.command("apt-get", "echo 'E: no such mirror'; exit 100")
    failed = machine.run("run")
    assert failed.returncode == 1
    assert "E: no such mirror" in failed.stderr
    assert not machine.policy.exists()


@ROOT_ONLY
def test_the_account_is_made_once_and_not_for_builds(machine: Machine) -> None:
    machine.run("build")
    assert not machine.called("useradd")
    machine.run("run")
    account = machine.called("useradd")
    assert len(account) == 1 and account[0].endswith(" shoal")
    assert "--system" in account[0] and "--no-create-home" in account[0] and "nologin" in account[0]
    machine.command("getent", "")
    machine.run("run")
    assert len(machine.called("useradd")) == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root may install")
def test_who_may_not_install_gets_the_line_to_run(machine: Machine) -> None:
    refused = machine.run("run")
    assert refused.returncode == 3
    assert f"sudo {SCRIPT} run" in refused.stderr
    assert not machine.called("apt-get")


def test_an_unknown_purpose_is_a_usage_error(machine: Machine) -> None:
    wrong = machine.run("everything")
    assert wrong.returncode == 2 and "run, build, postgres, test, bench" in wrong.stderr
    assert "exit codes" in machine.run("--help").stdout
