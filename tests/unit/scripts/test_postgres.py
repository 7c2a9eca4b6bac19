"""`up --postgres`: what is taken as a connection string, and what a PostgreSQL of the fleet's own is run with."""

from __future__ import annotations

import configparser
import re
import shlex
from pathlib import Path
from typing import Callable

import pytest

from shoal_fleet import config, planning, postgres, processes, render, sections
from shoal_fleet.account import Account
from shoal_fleet.errors import FleetError, UsageError
from shoal_fleet.fleet import Fleet
from shoal_fleet.layout import Layout
from shoal_fleet.manifest import Manifest
from shoal_fleet.processes import Process
from shoal_fleet.state import State, decode, encode

from samples import Document

Parse = Callable[[Document], Manifest]
OPTION = {"option": "--postgres", "help": "x", "kind": "postgres", "sets": {"postgres": "{value}"}}


@pytest.fixture
def asked(fleet: Fleet, parse: Parse, document: Document, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Fleet:
    """A fleet that is to run one, of the only version there is."""
    fleet.manifests["echo"] = parse(document | {"options": [OPTION], "runs_with": "postgres"})
    fleet.state.options.values["--postgres"] = "private"
    monkeypatch.setattr(postgres, "_INSTALLED", tmp_path / "postgresql")
    install(tmp_path, "15")
    return fleet


def install(folder: Path, version: str) -> None:
    program = folder / "postgresql" / version / "bin" / "postgres"
    program.parent.mkdir(parents=True)
    program.touch(mode=0o755)


@pytest.mark.parametrize("text", [
    "private",
    "host=/run/postgresql dbname=shop user=shoal",
    "dbname = 'my shop' user=o\\'brien",
    "  service=shop  passfile=/etc/shoal/pgpass",
    "postgresql://shoal@db.example:5433/shop?sslmode=verify-full",
    "postgres://shoal@one:1,two:2/shop",
    "postgresql:///shop?host=/run/postgresql",
])
def test_connection_strings(text: str) -> None:
    assert postgres.connection(text, "--postgres") == text


@pytest.mark.parametrize("text", ["", "shop", "db.example:5432", "host=a b", "host='a", "host=a'b'", "http://db/shop"])
def test_what_is_none_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(UsageError, match="--postgres .*is no connection string") as caught:
        postgres.connection(text, "--postgres")
    assert "dbname=shop" in caught.value.hint and "private" in caught.value.hint


@pytest.mark.parametrize("text", ["dbname=shop password=secret", "postgresql://shoal:secret@db/shop",
                                  "postgres://db/shop?password=secret"])
def test_a_password_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(UsageError, match="password") as caught:
        postgres.connection(text, "--postgres")
    assert "secret" not in caught.value.message and "password_file" in caught.value.hint


@pytest.mark.parametrize("text", ["dbname=shop sslpassword=secret", "postgres://db/shop?sslpassword=secret"])
def test_the_password_of_a_key_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(UsageError, match="sslpassword") as caught:
        postgres.connection(text, "--postgres")
    assert "secret" not in caught.value.message and "sslkey" in caught.value.hint


def test_private_stands_for_the_socket_of_the_fleets_own(asked: Fleet) -> None:
    assert postgres.is_wanted(asked)
    values = postgres.option_values(asked)
    assert values == {"--postgres": "host=/run/shoal-test port=5432 dbname=postgres user=postgres"}
    found = sections.with_options({}, asked.manifests.values(), values)
    assert found["services"]["echo"]["postgres"] == values["--postgres"]
    assert asked.state.options.values == {"--postgres": "private"}, "the next run folder may be another"


def test_one_from_outside_is_not_run(asked: Fleet) -> None:
    asked.state.options.values["--postgres"] = "dbname=shop"
    assert not postgres.is_wanted(asked)
    assert postgres.option_values(asked) == {"--postgres": "dbname=shop"}
    assert "postgres" not in render.programs(asked)


def test_a_folder_with_a_blank_stays_one_value() -> None:
    found = postgres.connection_string(Layout(Path("/h"), Path("/d"), Path("/run/o'b c")))
    assert found.startswith(r"host=/run/o\'b\ c port=") and postgres.connection(found, "") == found


def test_the_version_that_made_the_data_reads_it(asked: Fleet, tmp_path: Path) -> None:
    assert postgres.programs(asked.layout).parent.name == "15"
    install(tmp_path, "16")
    assert postgres.programs(asked.layout).parent.name == "16"
    asked.layout.postgres_data.mkdir(parents=True)
    (asked.layout.postgres_data / "PG_VERSION").write_text("15\n")
    assert postgres.programs(asked.layout).parent.name == "15" and postgres.is_installed(asked.layout)
    (asked.layout.postgres_data / "PG_VERSION").write_text("14\n")
    assert not postgres.is_installed(asked.layout)


def test_its_program_shuts_down_fast_and_in_bounded_time(asked: Fleet) -> None:
    asked.state.own_postgres = True
    parser = configparser.ConfigParser(interpolation=None, inline_comment_prefixes=())
    parser.read_string(render.programs(asked)["postgres"].decode())
    program = parser["program:postgres"]
    assert (program["stopsignal"], program["stopwaitsecs"]) == ("INT", "15")
    words = shlex.split(program["command"])
    assert words[words.index("-D") + 1] == str(asked.layout.postgres_data)
    assert words[-1] == f"config_file={asked.layout.postgres_config}"
    others = configparser.ConfigParser(interpolation=None)
    others.read_string(render.programs(asked)["haproxy"].decode())
    assert others["program:haproxy"]["stopsignal"] == "TERM"


def test_its_configuration_listens_on_the_private_socket_only(asked: Fleet) -> None:
    asked.state.own_postgres = True
    asked.layout = Layout(asked.home, Path("/o'brien"), Path("/run/shoal-test"))
    found = render.files(asked, asked.layout.conf)
    lines = found["postgres.conf"].decode().splitlines()
    assert {"listen_addresses = ''", "unix_socket_directories = '\"/run/shoal-test\"'", "wal_level = logical",
            "hba_file = '/o''brien/conf/postgres_hba.conf'", "cluster_name = '/run/shoal-test/postgres'"} <= {*lines}
    assert all(line.startswith(("#", "local ")) for line in found["postgres_hba.conf"].decode().splitlines())


def test_the_relay_lets_go_of_its_log_before_it_does_so_by_itself(asked: Fleet) -> None:
    asked.state.own_postgres = True
    configuration = render.files(asked, asked.layout.conf)["postgres.conf"].decode()
    readme = (Path(__file__).parents[3] / "README.md").read_text("utf-8")
    [kept] = re.findall(r"^max_slot_wal_keep_size = (\d+)GB$", configuration, re.MULTILINE)
    [budget] = re.findall(r"^\| `wal_budget` \|.* `(\d+)gb` \|$", readme, re.MULTILINE)
    assert int(kept) > int(budget)


def test_a_plan_names_its_start_and_its_end(asked: Fleet) -> None:
    assert "start PostgreSQL" in planning.compare(asked, State()).steps
    before = decode(encode(asked.state))
    before.up = before.own_postgres = asked.state.own_postgres = True
    assert planning.compare(asked, before).steps == []
    del asked.state.options.values["--postgres"]
    assert planning.compare(asked, before).steps == ["stop PostgreSQL"]


def test_without_its_packages_it_says_which_command_installs_them(asked: Fleet, tmp_path: Path) -> None:
    (tmp_path / "postgresql/15/bin/postgres").unlink()
    asked.layout.data.mkdir()
    with pytest.raises(FleetError, match="15/bin/postgres is missing") as caught:
        postgres.prepare(asked)
    assert caught.value.hint == "scripts/bootstrap postgres"
    assert not postgres.answers(asked.layout)


def test_its_processes_are_told_from_their_titles(monkeypatch: pytest.MonkeyPatch, fleet: Fleet) -> None:
    assert processes._kind(["/usr/lib/postgresql/15/bin/postgres", "-D", "x"]) == "postgres"
    assert processes._kind(["postgres: /run/shoal-test/postgres: walwriter "]) == "postgres"
    assert processes._kind(["psql", "host=/run/shoal-test"]) is None
    line = f"postgres -D x -c config_file={fleet.layout.postgres_config}"
    found = [Process(12, 11, "postgres", line), Process(11, 1, "postgres", line),
             Process(13, 11, "postgres", "postgres: /run/shoal-test/postgres: walwriter "),
             Process(14, 1, "waiter", f"flock {line}")]
    monkeypatch.setattr(processes, "of_fleet", lambda layout, uid: found)
    server = processes.server(fleet.layout, 0, processes.POSTGRES)
    assert server is not None and server.pid == 11
    assert processes.server(fleet.layout, 0, "redis-state") is None
    assert [one.kind for one in processes.orphans(fleet.layout, 0, None)] == ["waiter"]


def test_a_password_file_that_the_account_can_not_read_is_found_early(tmp_path: Path) -> None:
    data = {"services": {"relay": {"password_file": str(tmp_path / "absent")}}}
    with pytest.raises(FleetError, match=r"\$\.services\.relay\.password_file: 'tester' can't read"):
        config.check_secrets(data, Account("tester", 0, 0))
