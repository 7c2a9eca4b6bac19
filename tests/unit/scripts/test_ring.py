"""The ring as HAProxy computes it. tests/fleet compares it with a live HAProxy; the vectors here come from one."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from shoal_fleet.ring import Ring, full_hash, path_bytes, sdbm

ROOT = Path(__file__).resolve().parents[3]
KEYS = [f"demo/user-{number}".encode() for number in range(4000)]


def ring(*ids: int, weight: int = 256) -> Ring:
    return Ring([(f"w-{identifier}", identifier) for identifier in ids], weight)


@pytest.mark.parametrize(("key", "owner"), [(b"demo/alice", "w-3"), (b"/", "w-3")])
def test_owners_recorded_from_haproxy(key: bytes, owner: str) -> None:
    assert ring(1, 2, 3).locate(key) == owner


def test_owners_of_the_golden_file() -> None:
    golden = json.loads((ROOT / "tests" / "fleet" / "golden_ring.json").read_text("utf-8"))
    for ids, expected in golden["owners"].items():
        found = ring(*map(int, ids.split(",")))
        assert "".join(found.locate(path_bytes(f"bulk/golden-{number}")).removeprefix("w-")
                       for number in range(len(expected))) == expected


def test_sdbm_of_known_strings() -> None:
    assert sdbm(b"") == 0
    assert sdbm(b"a") == 97
    assert sdbm(b"ab") == (98 + 97 * 65599) & 0xFFFFFFFF


def test_full_hash_is_a_permutation_of_a_sample() -> None:
    assert len({full_hash(value) for value in range(50_000)}) == 50_000


def test_the_owner_has_the_nearest_point_on_either_side() -> None:
    small = ring(1, 2, 3, weight=1)
    points = [(full_hash(identifier * 4096 + j), f"w-{identifier}") for identifier in (1, 2, 3) for j in range(16)]
    for key in KEYS:
        position = full_hash(sdbm(key))
        distances = [(min((position - point) % 2**32, (point - position) % 2**32), name) for point, name in points]
        nearest = min(distances)[0]
        assert small.locate(key) in {name for distance, name in distances if distance == nearest}


def test_adding_one_moves_at_most_its_share_and_only_to_it() -> None:
    for count in (1, 2, 4, 8):
        before, after = ring(*range(1, count + 1)), ring(*range(1, count + 2))
        moved = [key for key in KEYS if before.locate(key) != after.locate(key)]
        assert len(moved) / len(KEYS) <= 1 / (count + 1) + 0.01
        assert {after.locate(key) for key in moved} == {f"w-{count + 1}"}


def test_removing_one_moves_only_its_keys() -> None:
    before, after = ring(1, 2, 3, 4), ring(1, 3, 4)
    for key in KEYS:
        if before.locate(key) != "w-2":
            assert after.locate(key) == before.locate(key)


def test_the_order_of_servers_does_not_matter() -> None:
    forward, backward = ring(1, 2, 3), ring(3, 2, 1)
    assert all(forward.locate(key) == backward.locate(key) for key in KEYS)


def test_shares_are_what_random_positions_find() -> None:
    shares = ring(1, 2, 5, 9).shares()
    assert sum(shares.values()) == pytest.approx(1.0)
    seed = random.randrange(2**32)
    print("seed", seed)
    source = random.Random(seed)
    found = [ring_of_four.locate(source.randbytes(12)) for ring_of_four in [ring(1, 2, 5, 9)] for _ in range(20_000)]
    for name, share in shares.items():
        assert found.count(name) / len(found) == pytest.approx(share, abs=0.02)


def test_one_server_owns_everything() -> None:
    assert ring(7).shares() == {"w-7": pytest.approx(1.0)}
    assert {ring(7).locate(key) for key in KEYS[:10]} == {"w-7"}


def test_an_empty_ring_has_no_owner() -> None:
    with pytest.raises(LookupError):
        Ring([]).locate(b"x")


def test_ids_that_alias_are_refused() -> None:
    with pytest.raises(ValueError, match="1048576"):
        ring(1 << 20)


@pytest.mark.parametrize(("key", "sent"), [
    ("demo/alice", b"demo/alice"),
    ("demo/a b", b"demo/a%20b"),
    ("demo/b\u00f6b", b"demo/b%C3%B6b"),
    ("demo/50%25", b"demo/50%25"),
    ("demo/what?", b"demo/what%3F"),
])
def test_keys_are_hashed_as_a_client_sends_them(key: str, sent: bytes) -> None:
    assert path_bytes(key) == sent


def test_sixteen_workers_share_evenly() -> None:
    shares = Ring([(f"w-{identifier}", identifier) for identifier in range(1, 17)]).shares()
    assert max(shares.values()) * 16 < 1.05


@pytest.mark.parametrize(("before", "after"), [((1, 2, 3, 4), (1, 2, 3, 4, 5)), ((1, 2, 3), (2, 3)), ((1,), (2, 7)),
                                               ((1, 2, 3), (1, 2, 3))])
def test_the_share_that_moves_is_that_of_the_keys(before: tuple[int, ...], after: tuple[int, ...]) -> None:
    old, new = ring(*before), ring(*after)
    moved = sum(old.locate(key) != new.locate(key) for key in KEYS) / len(KEYS)
    assert abs(old.moved_to(new) - moved) < 0.03
    assert old.moved_to(new) == pytest.approx(new.moved_to(old))
    gone = sum(share for name, share in old.shares().items() if name not in new.names)
    come = sum(share for name, share in new.shares().items() if name not in old.names)
    assert old.moved_to(new) == pytest.approx(max(gone, come)), "no more than has to"


def test_an_empty_ring_moves_all_or_nothing() -> None:
    assert (ring().moved_to(ring()), ring().moved_to(ring(1)), ring(1).moved_to(ring())) == (0.0, 1.0, 1.0)
