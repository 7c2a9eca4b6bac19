"""The check of the include direction, on small trees of its own."""

from pathlib import Path

import pytest

from shoal_test import includes

REPOSITORY = Path(__file__).resolve().parents[3]


def problems(tmp_path: Path, files: dict[str, str]) -> list[str]:
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return includes.check(tmp_path)


def test_this_tree_is_clean() -> None:
    assert includes.check(REPOSITORY) == []
    assert len(includes.Tree(REPOSITORY).includes) > 20


@pytest.mark.parametrize("header", ["boost/asio.hpp", "boost/asio/awaitable.hpp", "boost/beast/http.hpp", "hiredis/hiredis.h",
                                    "sys/socket.h", "unistd.h", "spdlog/spdlog.h"])
def test_a_domain_file_that_includes_io_fails(tmp_path: Path, header: str) -> None:
    found = problems(tmp_path, {"services/x/rules.cpp": f"#include <vector>\n\n#include <{header}>\n"})
    assert any(f"services/x/rules.cpp -> <{header}>" in line for line in found)


def test_the_chain_to_what_a_domain_file_reaches_is_named(tmp_path: Path) -> None:
    found = problems(tmp_path, {
        "services/x/gcra.cpp": '#include "services/x/gcra.hpp"\n',
        "services/x/gcra.hpp": '#include "common/core/clock.hpp"\n',
        "common/core/clock.hpp": "#include <boost/asio/steady_timer.hpp>\n",
    })
    chain = "services/x/gcra.cpp -> services/x/gcra.hpp -> common/core/clock.hpp -> <boost/asio/steady_timer.hpp>"
    assert any(line.startswith(chain) for line in found)
    assert any(line.startswith("common/core/clock.hpp: includes <boost/asio/steady_timer.hpp>") for line in found)


@pytest.mark.parametrize("edge", ["handlers.hpp", "store.hpp", "store_embedded.hpp", "main.hpp"])
def test_a_domain_file_does_not_include_the_edge_of_its_service(tmp_path: Path, edge: str) -> None:
    found = problems(tmp_path, {"services/x/rules.hpp": f'#include "services/x/{edge}"\n', f"services/x/{edge}": ""})
    assert len(found) == 1
    assert f"services/x/rules.hpp -> services/x/{edge}" in found[0]


@pytest.mark.parametrize("edge", ["main.cpp", "handlers.cpp", "handlers_admin.hpp", "store.cpp"])
def test_the_edge_of_a_service_may_use_the_loop(tmp_path: Path, edge: str) -> None:
    assert problems(tmp_path, {f"services/x/{edge}": "#include <boost/asio/awaitable.hpp>\n"}) == []


def test_only_the_beginning_of_a_name_makes_an_edge(tmp_path: Path) -> None:
    for name in ("restore.hpp", "stores.hpp", "mainline.hpp", "storehouse.cpp"):
        assert problems(tmp_path / name, {f"services/x/{name}": "#include <boost/asio.hpp>\n"})


def test_pure_libraries_and_the_domain_itself_are_allowed(tmp_path: Path) -> None:
    assert problems(tmp_path, {
        "services/x/a.hpp": '#include <cmath>\n#include <boost/system/result.hpp>\n#include <cctz/time_zone.h>\n#include <fmt/format.h>\n'
                            '#include <nlohmann/json.hpp>\n#include "services/x/b.hpp"\n#include "common/core/text.hpp"\n'
                            '#include "common/config/reader.hpp"\n#include "x_service_embedded.hpp"\n',
        "services/x/b.hpp": "#include <string>\n",
        "common/core/text.hpp": "#include <string>\n",
        "common/config/reader.hpp": "#include <nlohmann/json.hpp>\n",
    }) == []


def test_a_domain_file_does_not_reach_logs_or_redis(tmp_path: Path) -> None:
    for part in ("log", "metrics", "runtime", "redis", "http", "worker"):
        found = problems(tmp_path / part, {f"common/{part}/a.hpp": "", "services/x/a.hpp": f'#include "common/{part}/a.hpp"\n'})
        assert len(found) == 1 and f"domain reaches common/{part}" in found[0]


ORDER = ["core", "config", "log", "metrics", "runtime", "redis", "http", "worker"]
BESIDE = {("log", "config"), ("metrics", "config"), ("metrics", "log"), ("http", "redis")}


@pytest.mark.parametrize("lower", ORDER)
@pytest.mark.parametrize("upper", ORDER)
def test_layers_include_downward_only(tmp_path: Path, upper: str, lower: str) -> None:
    found = problems(tmp_path, {f"common/{upper}/a.hpp": f'#include "common/{lower}/b.hpp"\n', f"common/{lower}/b.hpp": ""})
    allowed = ORDER.index(lower) <= ORDER.index(upper) and (upper, lower) not in BESIDE
    assert (found == []) == allowed


def test_common_knows_no_service_and_services_not_each_other(tmp_path: Path) -> None:
    assert problems(tmp_path / "1", {"common/worker/a.hpp": '#include "services/x/a.hpp"\n', "services/x/a.hpp": ""})
    assert problems(tmp_path / "2", {"services/y/store.hpp": '#include "services/x/a.hpp"\n', "services/x/a.hpp": ""})


@pytest.mark.parametrize("layer, header, allowed", [
    ("redis", "hiredis/async.h", True), ("http", "hiredis/async.h", False), ("runtime", "boost/beast/core.hpp", False),
    ("http", "boost/beast/core.hpp", True), ("core", "boost/asio.hpp", False), ("log", "boost/asio.hpp", False),
    ("runtime", "boost/asio.hpp", True)])
def test_libraries_that_do_io_have_their_layers(tmp_path: Path, layer: str, header: str, allowed: bool) -> None:
    assert (problems(tmp_path, {f"common/{layer}/a.hpp": f"#include <{header}>\n"}) == []) == allowed


def test_a_header_that_is_not_there_and_a_layer_that_is_not_known_are_problems(tmp_path: Path) -> None:
    assert "not there" in problems(tmp_path / "1", {"common/core/a.cpp": '#include "common/core/absent.hpp"\n'})[0]
    assert "no place among the layers" in problems(tmp_path / "2", {"common/util/a.cpp": ""})[0]


def test_an_include_is_seen_however_it_is_spaced(tmp_path: Path) -> None:
    assert problems(tmp_path, {"services/x/a.hpp": "  #  include\t<boost/asio.hpp>\n"})
    assert problems(tmp_path, {"services/x/a.hpp": "// #include <boost/asio.hpp>\n"}) == []
