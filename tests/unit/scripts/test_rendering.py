"""The files that a fleet is run with; HAProxy itself says whether it takes its own."""

from __future__ import annotations

import configparser
import dataclasses
import itertools
import json
import re
import shlex
import subprocess
from pathlib import Path
from typing import Callable

import pytest

from shoal_fleet import haproxy_config, proof, render, sections, supervisor_config
from shoal_fleet.errors import FleetError
from shoal_fleet.fleet import Fleet
from shoal_fleet.haproxy_config import Balancer, ServerLine, max_connections
from shoal_fleet.layout import Layout
from shoal_fleet.manifest import Manifest
from shoal_fleet.numbers import set_count
from samples import ROOT, Document

Parse = Callable[[Document], Manifest]
SITE = {"option": "--echo-listen", "help": "where", "default": "127.0.0.1:8000",
        "key": "%[req.fhdr(host),lower]%[pathq]"}
TEMPLATES = ROOT / "haproxy"


def balancer(*manifests: Manifest, servers: int = 2) -> Balancer:
    run = Path("/run/shoal-test")
    lines = {backend: [ServerLine(f"{manifest.name}-{number}", number,
                                  run / f"{manifest.name}-{number}.{'sock' if backend == manifest.name else 'site'}",
                                  run / f"{manifest.name}-{number}.admin") for number in range(1, servers + 1)]
             for manifest in manifests for backend in manifest.backends}
    return Balancer(TEMPLATES, TEMPLATES, run / "haproxy.sock", "127.0.0.1:8080", "127.0.0.1:8404",
                    20_000, manifests, lines)


def haproxy_says(config: bytes, folder: Path) -> str:
    file = folder / "haproxy.cfg"
    file.write_bytes(config)
    result = subprocess.run(["/usr/sbin/haproxy", "-c", "-f", file], capture_output=True, text=True)
    return "" if result.returncode == 0 else result.stderr


def test_haproxy_takes_the_configuration(parse: Parse, document: Document, tmp_path: Path) -> None:
    everything = parse(document | {"bounded_load": 150, "site_front": SITE})
    full = dataclasses.replace(balancer(everything), sites={"echo": "127.0.0.1:8090"})
    assert haproxy_says(haproxy_config.render(full), tmp_path) == ""
    assert b"hash-balance-factor 150" in haproxy_config.render(full)


def part(text: str, name: str) -> list[str]:
    """The lines of one section of HAProxy's configuration."""
    lines = iter(text.splitlines())
    next(line for line in lines if line == name)
    return [line.strip() for line in itertools.takewhile(lambda line: line.startswith(" "), lines)]


def test_a_front_for_sites_keeps_no_path_back_and_has_servers_of_its_own(parse: Parse, document: Document) -> None:
    found = dataclasses.replace(balancer(parse(document | {"site_front": SITE})), sites={"echo": "127.0.0.1:8090"})
    text = haproxy_config.render(found).decode()
    front = part(text, "frontend echo-site")
    assert "bind 127.0.0.1:8090" in front
    assert [line for line in front if "backend" in line] == ["default_backend echo-site"]
    assert not [line for line in front if "/-/" in line]
    assert "http-request set-header X-Forwarded-For %[src]" in front
    assert "http-request set-header X-Forwarded-Proto http" in front
    backend = part(text, "backend echo-site")
    assert backend[0] == "http-request set-var-fmt(txn.key) %[req.fhdr(host),lower]%[pathq]"
    assert "balance hash var(txn.key)" in backend
    assert "http-request disable-l7-retry unless { method GET HEAD }" in backend
    servers = [line for line in backend if line.startswith("server ")]
    assert [line.split()[:5] for line in servers] == [
        ["server", f"echo-{number}", f"unix@/run/shoal-test/echo-{number}.site", "id", str(number)]
        for number in (1, 2)]
    assert all("check addr unix@/run/shoal-test/echo-" in line and ".admin " in line for line in servers)


def test_proxies_are_believed_where_the_section_names_them(parse: Parse, document: Document,
                                                           tmp_path: Path) -> None:
    manifest = parse(document | {"site_front": SITE | {"trusted": "proxies"}})
    assert manifest.site_front is not None
    of = {"services": {"echo": {"proxies": ["10.0.0.0/8", "2001:db8::1"]}}}
    named = sections.trusted_proxies(of, "echo", manifest.site_front)
    found = dataclasses.replace(balancer(manifest), sites={"echo": "127.0.0.1:8090"}, trusted={"echo": named})
    config = haproxy_config.render(found)
    front = part(config.decode(), "frontend echo-site")
    assert [line.split()[-1] for line in front if line.startswith("acl from-proxy src")] == ["10.0.0.0/8",
                                                                                             "2001:db8::1/128"]
    assert "http-request add-header X-Forwarded-For %[src]" in front
    assert haproxy_says(config, tmp_path) == ""
    assert sections.trusted_proxies({}, "echo", manifest.site_front) == []
    for wrong in ("10.0.0.1", ["10.0.0.1/8"], ["edge.example"], [None], ["::/0\n    server x"]):
        with pytest.raises(FleetError, match=r"\$\.services\.echo\.proxies"):
            sections.trusted_proxies({"services": {"echo": {"proxies": wrong}}}, "echo", manifest.site_front)


def test_a_front_for_sites_speaks_tls_and_routes_at_random_as_the_other(parse: Parse, document: Document) -> None:
    found = dataclasses.replace(balancer(parse(document | {"site_front": SITE})), sites={"echo": "127.0.0.1:8090"},
                                tls_cert=Path("/c.pem"), random_routing=True)
    text = haproxy_config.render(found).decode()
    assert "bind 127.0.0.1:8090 ssl crt /c.pem alpn h2,http/1.1" in part(text, "frontend echo-site")
    assert "http-request set-header X-Forwarded-Proto https" in part(text, "frontend echo-site")
    assert part(text, "backend echo-site")[0] == "balance random"


@pytest.mark.parametrize("change", [{"random_routing": True}, {"servers": {}}, {"listen": "[::1]:8080"},
                                    {"hot_key_rate": None}])
def test_haproxy_takes_variants(parse: Parse, document: Document, tmp_path: Path, change: Document) -> None:
    assert haproxy_says(haproxy_config.render(dataclasses.replace(balancer(parse(document)), **change)), tmp_path) == ""


def test_the_description_names_everything_but_the_servers(parse: Parse, document: Document) -> None:
    first = balancer(parse(document))

    def name(changed: Balancer) -> str:
        return haproxy_config.description(haproxy_config.render(changed))

    assert name(first) == name(balancer(parse(document), servers=5))
    others = [dataclasses.replace(first, listen="127.0.0.1:8081"), dataclasses.replace(first, random_routing=True),
              dataclasses.replace(first, tls_digest="x"), dataclasses.replace(first, hot_key_rate=None), balancer(parse(document | {"bounded_load": 200})),
              balancer(parse(document | {"site_front": SITE}))]
    assert len({name(first), *(name(other) for other in others)}) == 7


def test_longer_prefixes_are_asked_first(parse: Parse, document: Document) -> None:
    catch_all = parse(document | {"path_prefixes": ["/", "/echo/deep", "/echo"]})
    routes = [line.strip() for line in haproxy_config.render(balancer(catch_all)).decode().splitlines()
              if line.strip().startswith("use_backend")]
    assert routes == [
        "use_backend echo if { path_beg /echo/deep/ } || { path /echo/deep }",
        "use_backend echo if { path_beg /echo/ } || { path /echo }",
        "use_backend echo unless { path_beg /-/ }",
    ]


def test_prefixes_beside_each_other_are_asked_as_the_manifest_has_them(parse: Parse, document: Document) -> None:
    found = parse(document | {"path_prefixes": ["/b", "/bb/long", "/a", "/bb"]})
    text = haproxy_config.render(balancer(found)).decode()
    assert re.findall(r"use_backend echo if { path_beg (\S+) }", text) == ["/b/", "/bb/long/", "/a/", "/bb/"]


def test_the_first_rule_of_the_key_is_the_last_to_be_set(parse: Parse, document: Document, tmp_path: Path) -> None:
    document["key"]["rules"] = [{"when": "{ path /one } !{ url_param(k) -m found }", "format": "1/%[url_param(a)]"},
                                {"when": "{ path /one } || { path /two }", "format": "2"}]
    found = haproxy_config.render(dataclasses.replace(balancer(parse(document)), hot_key_rate=None))
    assert haproxy_says(found, tmp_path) == ""
    lines = [line.strip() for line in found.decode().splitlines() if "txn.key" in line]
    assert lines == [
        "http-request set-var(txn.key) path",
        "http-request set-var-fmt(txn.key) 2 if { path /one } || { path /two }",
        "http-request set-var-fmt(txn.key) 1/%[url_param(a)] if { path /one } !{ url_param(k) -m found }",
        "balance hash var(txn.key)",
    ]


def test_hot_keys_are_looked_for_behind_both_fronts_and_not_where_nobody_owns_them(parse: Parse,
                                                                                   document: Document) -> None:
    found = dataclasses.replace(balancer(parse(document | {"site_front": SITE})), hot_key_rate=700)
    text = haproxy_config.render(found).decode()
    for backend in ("echo", "echo-site"):
        lines = part(text, f"backend {backend}")
        counted = lines.index("http-request track-sc0 var(txn.key),xxh32 if { be_sess_rate gt 700 }")
        assert any("set-var" in line and "(txn.key)" in line for line in lines[:counted])
        assert lines.index("balance hash var(txn.key)") > counted
        assert any(f"track-sc1 str({backend}:),concat(,txn.key) table shoal-hot-keys if" in line for line in lines)
    for change in ({"hot_key_rate": None}, {"random_routing": True}):
        assert "track-sc" not in haproxy_config.render(dataclasses.replace(found, **change)).decode()


def test_every_server_line_is_whole(parse: Parse, document: Document) -> None:
    text = haproxy_config.render(balancer(parse(document))).decode()
    lines = [line for line in text.splitlines() if line.strip().startswith("server ")]
    assert len(lines) == 2
    for number, line in enumerate(lines, 1):
        assert f" id {number} weight 256 " in line
        assert f"check addr unix@/run/shoal-test/echo-{number}.admin" in line


def test_connections_follow_from_descriptors() -> None:
    assert max_connections(1 << 20) == 20_000
    assert 2 * max_connections(20_000) + 1000 <= 20_000
    assert 2 * max_connections(1024) < 1024
    with pytest.raises(FleetError, match="too few"):
        max_connections(200)


def test_a_long_run_folder_is_refused_before_haproxy_fails_on_it(tmp_path: Path) -> None:
    layout = Layout(tmp_path, tmp_path, Path("/run/" + "x" * 70))
    with pytest.raises(FleetError, match="97"):
        layout.check_socket_path("limiter-1")
    Layout(tmp_path, tmp_path, Path("/run/shoal-01234567")).check_socket_path("limiter-1000")


def test_program_files_survive_blanks_and_percent_signs(tmp_path: Path) -> None:
    layout = Layout(tmp_path, tmp_path / "a b%c", Path("/run/x"))
    text = supervisor_config.worker(ROOT / "deploy" / "supervisord", layout, "echo-1a", "echo-1",
                                    ["/bin/echo", "100%", "it's", "a;b"], 300).decode()
    parsed = configparser.RawConfigParser(inline_comment_prefixes=(";",))
    parsed.read_string(text)
    assert parsed["program:echo-1a"]["stopwaitsecs"] == "310"
    command = shlex.split(parsed["program:echo-1a"]["command"].replace("%%", "%"))
    assert command[3:] == [str(layout.logs / "echo-1.log"), "/bin/echo", "100%", "it's", "a;b"]


def test_a_fleet_renders_one_file_per_program(fleet: Fleet) -> None:
    set_count(fleet, fleet.manifests["echo"], 2)
    found = render.files(fleet, fleet.layout.conf)
    assert {name for name in found if name.startswith("programs/")} == {
        f"programs/{name}.conf" for name in ("echo-1a", "echo-2a", "haproxy", "keeper", "rotate")}
    assert b"server echo-2 " in found["haproxy.cfg"]


def test_workers_are_told_how_many_stay_by_the_same_version(fleet: Fleet) -> None:
    set_count(fleet, fleet.manifests["echo"], 3)
    fleet.state.set_config({"log": {"level": "info"}})

    def told() -> Document:
        found: Document = json.loads(render.files(fleet, fleet.layout.conf)["config.json"])
        return found

    before = told()
    assert before == {"version": fleet.state.config_version, "fleet": {"workers": {"echo": 3}},
                      "log": {"level": "info"}}
    set_count(fleet, fleet.manifests["echo"], 2)
    assert told() == before | {"fleet": {"workers": {"echo": 2}}}


def test_a_leaving_worker_runs_on_but_is_out_of_haproxys_file(fleet: Fleet) -> None:
    set_count(fleet, fleet.manifests["echo"], 2)
    set_count(fleet, fleet.manifests["echo"], 1)
    found = render.files(fleet, fleet.layout.conf)
    assert "programs/echo-2a.conf" in found
    assert b"server echo-2 " not in found["haproxy.cfg"]


def with_l2(fleet: Fleet) -> Fleet:
    fleet.manifests["echo"] = dataclasses.replace(fleet.manifests["echo"], redis=("state", "l2"))
    set_count(fleet, fleet.manifests["echo"], 1)
    return fleet


def maxmemory(fleet: Fleet, instance: str) -> int:
    conf = render.files(fleet, fleet.layout.conf)[f"redis-{instance}.conf"].decode()
    return int(next(line.split()[1] for line in conf.splitlines() if line.startswith("maxmemory ")))


def test_the_second_level_is_bounded_by_what_the_configuration_gives_it(fleet: Fleet) -> None:
    with_l2(fleet)
    assert maxmemory(fleet, "l2") == 256 << 20
    assert "programs/redis-l2.conf" in render.files(fleet, fleet.layout.conf)
    fleet.state.set_config({"redis": {"l2": {"memory": "12mb"}}})
    assert maxmemory(fleet, "l2") == 12 << 20
    assert maxmemory(fleet, "state") > 12 << 20
    conf = render.files(fleet, fleet.layout.conf)["redis-l2.conf"].decode()
    assert "maxmemory-policy allkeys-lfu" in conf and "appendonly no" in conf and 'save ""' in conf


def test_a_second_level_from_outside_is_not_run(fleet: Fleet) -> None:
    fleet.state.set_config({"redis": {"l2": {"unix": "/run/other.sock"}}})
    with_l2(fleet)
    assert "redis-l2.conf" not in render.files(fleet, fleet.layout.conf)
    assert "--redis-l2" not in fleet.state.services["echo"][0].program.command


def test_a_drained_place_has_no_weight_and_needs_no_reload(fleet: Fleet) -> None:
    set_count(fleet, fleet.manifests["echo"], 2)
    before = render.haproxy(fleet, fleet.layout.conf, None)
    fleet.state.services["echo"][1].drained = True
    after = render.haproxy(fleet, fleet.layout.conf, None)
    assert [line.weight for line in render.server_lines(fleet)["echo"]] == [256, 0]
    assert b"id 2 weight 0 " in after and b"id 2 weight 256 " in before
    assert haproxy_config.description(after) == haproxy_config.description(before)
    assert proof.ring_of(fleet, fleet.manifests["echo"]).names == ["echo-1"]
    with pytest.raises(FleetError, match="only echo-2 would be left"):
        fleet.state.services["echo"][0].leaving = True
        set_count(fleet, fleet.manifests["echo"], 1)
