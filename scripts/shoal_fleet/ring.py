"""HAProxy's consistent-hash ring, computed here: which worker owns a key.

The formula (HAProxy 2.6, `hash-type consistent` with its defaults): a server of id I and weight W has
the points full_hash(I * 4096 + j) for j < 16 * W; a key is at full_hash(sdbm(bytes)); its owner has the
nearest point on either side, the lower one when both are as near.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import Iterable, Mapping

WEIGHT = 256
POINTS_PER_WEIGHT = 16
ID_STRIDE = 4096
# Ids alias beyond this: I * 4096 is taken modulo 2^32.
MAX_ID = (1 << 20) - 1
_MASK = 0xFFFFFFFF
_SIZE = 1 << 32


def sdbm(data: bytes) -> int:
    value = 0
    for byte in data:
        value = (byte + (value << 6) + (value << 16) - value) & _MASK
    return value


def full_hash(value: int) -> int:
    """Bob Jenkins' full-avalanche integer hash, spread by a large prime as HAProxy does."""
    a = value & _MASK
    a = (a + 0x7ED55D16 + (a << 12)) & _MASK
    a = (a ^ 0xC761C23C) ^ (a >> 19)
    a = (a + 0x165667B1 + (a << 5)) & _MASK
    a = ((a + 0xD3A2646C) ^ (a << 9)) & _MASK
    a = (a + 0xFD7046C5 + (a << 3)) & _MASK
    a = (a ^ 0xB55A4F09) ^ (a >> 16)
    return (a * 3221225473) & _MASK


class Ring:
    """Immutable. `servers` maps each server's name to its id, in the order of the configuration; their weight is
    `weight`, but for those in `lighter`."""

    def __init__(self, servers: Iterable[tuple[str, int]], weight: int = WEIGHT,
                 lighter: Mapping[str, int] | None = None) -> None:
        self.names: list[str] = []
        points: list[tuple[int, int]] = []
        for index, (name, identifier) in enumerate(servers):
            if not 1 <= identifier <= MAX_ID:
                raise ValueError(f"server {name}: id {identifier} is not within 1 to {MAX_ID}")
            self.names.append(name)
            base = identifier * ID_STRIDE
            count = POINTS_PER_WEIGHT * (lighter or {}).get(name, weight)
            points.extend((full_hash(base + j), index) for j in range(count))
        points.sort()
        self._points = [point for point, _ in points]
        self._owners = [owner for _, owner in points]

    def locate(self, key: bytes) -> str:
        """The owner's name. Raises LookupError on an empty ring."""
        return self.names[self._owner_at(full_hash(sdbm(key)))]

    def _owner_at(self, position: int) -> int:
        if not self._points:
            raise LookupError("no server is on the ring")
        after = bisect_left(self._points, position) % len(self._points)
        before = after - 1
        down = (position - self._points[before]) & _MASK
        up = (self._points[after] - position) & _MASK
        return self._owners[before] if down <= up else self._owners[after]

    def shares(self) -> dict[str, float]:
        """The part of all hash values that each server owns; the parts add up to 1."""
        owned = [0] * len(self.names)
        count = len(self._points)
        for index in range(count):
            lower, upper = self._points[index - 1], self._points[index]
            gap = (upper - lower) & _MASK if count > 1 else _SIZE
            # Positions lower+1 .. upper: the first half (and the middle, when there is one) is the lower point's.
            below = gap // 2
            owned[self._owners[index - 1]] += below
            owned[self._owners[index]] += gap - below
        return {name: amount / _SIZE for name, amount in zip(self.names, owned)}


    def _borders(self) -> set[int]:
        """Where another point's part begins."""
        return {(lower + ((upper - lower) & _MASK) // 2 + 1) & _MASK
                for lower, upper in zip([self._points[-1], *self._points], self._points)}

    def moved_to(self, other: "Ring") -> float:
        """The part of all hash values that another name owns there."""
        if not (self._points and other._points):
            return 1.0 if self._points or other._points else 0.0
        borders = sorted(self._borders() | other._borders())
        moved = sum((border - before) & _MASK for before, border in zip([borders[-1], *borders], borders)
                    if self.names[self._owner_at(before)] != other.names[other._owner_at(before)])
        return moved / _SIZE


# What may stand in a path as it is (RFC 3986 pchar and "/"); a client percent-encodes the rest.
_PATH_BYTES = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$&'()*+,;=:@/%")


def path_bytes(key: str) -> bytes:
    """The bytes that a path carries for `key`: what may not stand there is percent-encoded, %XX stays."""
    out = bytearray()
    for byte in key.encode("utf-8", "surrogateescape"):
        if byte in _PATH_BYTES:
            out.append(byte)
        else:
            out += b"%%%02X" % byte
    return bytes(out)
