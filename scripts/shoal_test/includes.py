"""The direction of includes: who may include what, ours and others', also through other headers.

    core <- coherence, config, eviction, log, metrics <- runtime <- redis, http <- worker <- purge_log <- services/<name>
    coherence <- views <- services/<name>

A service's domain is every file of services/<name>/ that is not at its edge (main, handlers, store, origin, postgres,
setup, warm: as the beginning of a file's name or as a folder): plain functions over values, free of sockets and loops however
deep one follows their includes.
"""

from __future__ import annotations

import re
from collections import deque
from pathlib import Path

# What each layer may include of common/, besides itself.
BELOW = {
    "core": set(),
    "coherence": {"core"},
    "views": {"core", "coherence"},
    "config": {"core"},
    "eviction": {"core"},
    "log": {"core"},
    "metrics": {"core"},
    "runtime": {"core", "config", "log", "metrics"},
    "redis": {"core", "config", "log", "metrics", "runtime"},
    "http": {"core", "config", "log", "metrics", "runtime"},
    "worker": {"core", "config", "log", "metrics", "runtime", "redis", "http"},
    "purge_log": {"core", "coherence", "log", "metrics", "runtime", "redis", "worker"},
}
DOMAIN_BELOW = {"core", "coherence", "views", "config", "eviction"}

# Libraries that do I/O, and the only places that may name them.
RESERVED = {
    "boost/asio": {"runtime", "redis", "http", "worker", "purge_log", "service"},
    "boost/beast": {"http", "worker", "service"},
    "hiredis": {"redis"},
}
# What a domain file may reach outside of this tree, besides the standard library.
PURE = ("boost/container/", "boost/smart_ptr/", "boost/system/", "boost/unordered/", "cctz/", "fmt/", "nlohmann/", "xxhash.h")

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)
STANDARD = re.compile(r"[a-z_0-9]+")
AT_THE_EDGE = re.compile(r"(main|handlers|store|origin|postgres|setup|warm)([_.].*)?")
GENERATED = re.compile(r"\w+_embedded\.hpp")


class Tree:
    """The C++ files below common/ and services/, and what each includes."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.includes: dict[str, list[tuple[bool, str]]] = {}
        for top in ("common", "services"):
            for path in sorted((root / top).rglob("*.[ch]pp")):
                found = INCLUDE.findall(path.read_text(encoding="utf-8"))
                self.includes[str(path.relative_to(root))] = [(mark == '"', name) for mark, name in found]

    def of_tree(self, name: str) -> list[str]:
        return [included for quoted, included in self.includes[name] if included in self.includes]

    def of_others(self, name: str) -> list[str]:
        return [included for quoted, included in self.includes[name]
                if included not in self.includes and not (quoted and GENERATED.fullmatch(Path(included).name))]

    def chains(self, start: str) -> dict[str, list[str]]:
        """Every file of ours that `start` reaches, with a shortest way to it."""
        ways = {start: [start]}
        queue = deque([start])
        while queue:
            current = queue.popleft()
            for name in self.of_tree(current):
                if name not in ways:
                    ways[name] = [*ways[current], name]
                    queue.append(name)
        return ways


def layer(name: str) -> str:
    """'redis' for common/redis/client.hpp, 'service' for what is in services/."""
    parts = Path(name).parts
    return parts[1] if parts[0] == "common" else "service"


def is_domain(name: str) -> bool:
    return layer(name) == "service" and not AT_THE_EDGE.fullmatch(Path(name).parts[2])


def check(root: Path) -> list[str]:
    """One line for each include that goes the wrong way, with the chain that leads to it."""
    tree = Tree(root)
    problems: list[str] = []
    for name in tree.includes:
        problems += layer_problems(tree, name)
        if is_domain(name):
            problems += domain_problems(tree, name)
    return problems


def layer_problems(tree: Tree, name: str) -> list[str]:
    """Direct includes are enough here: each file on the way is looked at as well."""
    own = layer(name)
    if own != "service" and own not in BELOW:
        return [f"{name}: common/{own} has no place among the layers (scripts/shoal_test/includes.py)"]
    problems = []
    for included in tree.of_tree(name):
        target = layer(included)
        if own == "service":
            allowed = target != "service" or Path(included).parts[1] == Path(name).parts[1]
            why = "a service includes common/ and itself, no other service"
        else:
            allowed = target == own or target in BELOW[own]
            why = f"that is not below {own}, which may include {', '.join(sorted({own, *BELOW[own]}))}"
        if not allowed:
            problems.append(f"{name}: includes {included}: {why}")
    for included in tree.of_others(name):
        for library, users in RESERVED.items():
            if within(included, library) and own not in users:
                problems.append(f"{name}: includes <{included}>: {library} is for {', '.join(sorted(users))}")
    for quoted, included in tree.includes[name]:
        if quoted and included.startswith(("common/", "services/")) and included not in tree.includes:
            problems.append(f"{name}: includes {included}, which is not there")
    return problems


def domain_problems(tree: Tree, name: str) -> list[str]:
    problems = []
    for reached, way in tree.chains(name).items():
        chain = " -> ".join(way)
        if layer(reached) == "service" and not is_domain(reached):
            problems.append(f"{chain}: domain includes {reached}, which is at the service's edge")
        elif layer(reached) != "service" and layer(reached) not in DOMAIN_BELOW:
            problems.append(f"{chain}: domain reaches common/{layer(reached)}; "
                            f"it may use {', '.join(sorted(DOMAIN_BELOW))}, std and pure libraries")
        for included in tree.of_others(reached):
            if not STANDARD.fullmatch(included) and not included.startswith(PURE):
                problems.append(f"{chain} -> <{included}>: domain includes only core, std and pure libraries "
                                f"({', '.join(PURE)})")
    return problems


def within(included: str, library: str) -> bool:
    return included.startswith((library + "/", library + ".")) or included == library
