"""A new service is one folder: in a copy of the tree it is built, routed and scaled, and nothing else is touched."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Iterator

import pytest

from shoal_cli import ROOT, FleetUnderTest

MANIFEST = {
    "name": "hello",
    "summary": "greets",
    "path_prefixes": ["/hello"],
    "key": {"expression": "path,concat(//),field(3,/)", "path": "/hello/{key}", "what": "NAME"},
    "redis": ["state"],
    "site_front": {"option": "--hello-listen", "help": "where sites are greeted", "default": "127.0.0.1:8001",
                   "key": "%[pathq]"},
    "options": [{"option": "--greeting-level", "flag": "--log", "help": "how it logs", "default": "json"}],
    "fleet_module": "fleet.py",
}
FLEET_MODULE = """
def register(subparsers, context):
    parser = context.add_parser(subparsers, "greeters", "count the workers")
    parser.set_defaults(run=run)


def run(tool, arguments):
    print(len(tool.open().state.services["hello"]))
    return 0
"""
MAIN = """
#include "common/config/reader.hpp"
#include "common/worker/service.hpp"

namespace {

class hello final : public shoal::worker::service {
public:
    std::string_view name() const noexcept override { return "hello"; }
    std::function<void()> read(shoal::config::object&, const shoal::worker::facts&) override { return [] {}; }
    nlohmann::json effective() const override { return nlohmann::json::object(); }
    std::vector<shoal::http::route> start(const shoal::worker::context&) override
    {
        const auto answer = [](shoal::http::request& asked) -> shoal::http::reply {
            return shoal::http::response{200}.body("text/plain", std::string{asked.parameters[0]});
        };
        return {{shoal::http::verb::get, "/hello/{name}", "hello", answer}};
    }
    shoal::http::stream_handler site_handler() override
    {
        return [](shoal::http::request& asked, shoal::http::exchange&) -> shoal::http::streamed_reply {
            return shoal::http::response{200}.body("text/plain", "site " + std::string{asked.target});
        };
    }
};

}  // namespace

int main(int argc, char** argv)
{
    hello service;
    return shoal::worker::run(argc, argv, service);
}
"""


class CopyOfTheTree(FleetUnderTest):
    """The copy with its build folder is seen under the tree's own path, in a mount namespace: so the build goes
    on where that of the tree ended. Only root can; others build the copy from its beginning."""

    def command(self, *arguments: str) -> list[str]:
        line = super().command(*arguments)
        if os.geteuid() != 0 or arguments[0] != "up":
            return line
        line[0] = str(ROOT / "scripts" / "fleet")
        return ["unshare", "--mount", "sh", "-c", 'mount --bind "$0" "$1" && shift && exec "$@"', str(self.root),
                str(ROOT), *line]


@pytest.fixture
def copy(binaries: Path) -> Iterator[CopyOfTheTree]:
    base = Path(tempfile.mkdtemp(prefix="shoal-fleet-"))
    base.chmod(0o711)
    root = base / "tree"
    unneeded = {str(ROOT): {".git", ".shoal"}, str(ROOT / "build"): {"test", "tidy"}}
    shutil.copytree(ROOT, root, symlinks=True, ignore=lambda folder, names: unneeded.get(str(folder), set()))
    if os.geteuid() != 0:
        shutil.rmtree(root / "build", ignore_errors=True)
    folder = root / "services" / "hello"
    folder.mkdir()
    (folder / "service.json").write_text(json.dumps(MANIFEST))
    (folder / "main.cpp").write_text(MAIN)
    (folder / "fleet.py").write_text(FLEET_MODULE)
    fleet = CopyOfTheTree(base / "home", binaries, root)
    yield fleet
    fleet.destroy()
    shutil.rmtree(base, ignore_errors=True)


def test_a_folder_is_all_that_a_service_needs(copy: CopyOfTheTree) -> None:
    copy.run("up", "--listen", copy.listen, "--workers", "1", "--greeting-level", "text", "--hello-listen",
             f"127.0.0.1:{copy.site}", timeout=600)
    status, headers, body = copy.request("GET", "/hello/world")
    assert (status, body, headers["x-shoal-worker"]) == (200, b"world", "hello-1")
    assert copy.request("GET", "/v1/limits")[1]["x-shoal-worker"] == "limiter-1"

    status, headers, body = copy.visit("/-/ready?x")
    assert (status, body, headers["x-shoal-worker"]) == (200, b"site /-/ready?x", "hello-1")

    limiter = copy.pids()["limiter-1"]
    copy.run("scale", "hello", "3")
    assert copy.pids()["limiter-1"] == limiter
    names = [f"name-{number}" for number in range(200)]
    located = copy.run("ring", "locate", "hello", *names).stdout.splitlines()
    for line in located:
        name, worker = line.split("\t")
        assert copy.request("GET", f"/hello/{name}")[1]["x-shoal-worker"] == worker
    assert copy.run("greeters").stdout == "3\n"
    assert "--log text" in (copy.data / "conf" / "programs" / "hello-1a.conf").read_text()
    copy.run("restart", "hello")
    assert copy.pids()["limiter-1"] == limiter
    assert not (ROOT / "services" / "hello").exists(), "the tree itself is as it was"
