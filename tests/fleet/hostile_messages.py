"""Messages that no server should take as they stand, by what is wrong with them."""

from __future__ import annotations

SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
LENGTH = b"%d" % (5 + len(SMUGGLED))


def head(*lines: bytes, method: bytes = b"POST", target: bytes = b"/hostile") -> bytes:
    return b"\r\n".join((method + b" " + target + b" HTTP/1.1", b"Host: a", *lines, b"", b""))


def framed(*lines: bytes) -> bytes:
    """Where the body ends depends on which of the lines one believes; after one of the ends a request begins."""
    return head(*lines) + b"0\r\n\r\n" + SMUGGLED


def chunks(body: bytes) -> bytes:
    return head(b"Transfer-Encoding: chunked") + body + SMUGGLED


def get(*lines: bytes, target: bytes = b"/hostile") -> bytes:
    return head(*lines, method=b"GET", target=target) + SMUGGLED


# Some of it HAProxy mends.
FRAMING: dict[str, bytes] = {
    "CL and TE": framed(b"Content-Length: " + LENGTH, b"Transfer-Encoding: chunked"),
    "TE and CL": framed(b"Transfer-Encoding: chunked", b"Content-Length: " + LENGTH),
    "TE unknown": framed(b"Content-Length: " + LENGTH, b"Transfer-Encoding: xchunked"),
    "TE chunked is not last": framed(b"Content-Length: " + LENGTH, b"Transfer-Encoding: chunked, identity"),
    "TE identity": framed(b"Content-Length: " + LENGTH, b"Transfer-Encoding: identity"),
    "TE twice": framed(b"Transfer-Encoding: chunked", b"Transfer-Encoding: identity"),
    "TE chunked twice": framed(b"Transfer-Encoding: chunked, chunked"),
    "TE quoted": framed(b'Transfer-Encoding: "chunked"', b"Content-Length: " + LENGTH),
    "TE with a vertical tab": framed(b"Transfer-Encoding: \x0bchunked", b"Content-Length: " + LENGTH),
    "TE with a parameter": framed(b"Transfer-Encoding: chunked;a=b", b"Content-Length: " + LENGTH),
    "TE before a space": framed(b"Transfer-Encoding : chunked", b"Content-Length: " + LENGTH),
    "TE folded": framed(b"Content-Length: " + LENGTH, b"X: y", b" Transfer-Encoding: chunked"),
    "TE folded value": framed(b"Content-Length: " + LENGTH, b"Transfer-Encoding:", b" chunked"),
    "TE after a bare LF": framed(b"Content-Length: " + LENGTH, b"X: y\nTransfer-Encoding: chunked"),
    "TE after a bare CR": framed(b"Content-Length: " + LENGTH, b"X: y\rTransfer-Encoding: chunked"),
    "TE in HTTP/1.0": framed(b"Transfer-Encoding: chunked").replace(b"HTTP/1.1", b"HTTP/1.0", 1),
    "CL twice": framed(b"Content-Length: 5", b"Content-Length: " + LENGTH),
    "CL as list": framed(b"Content-Length: 5, " + LENGTH),
    "CL signed": framed(b"Content-Length: +5"),
    "CL negative": framed(b"Content-Length: -5"),
    "CL hexadecimal": framed(b"Content-Length: 0x5"),
    "CL with a space in it": framed(b"Content-Length: 5 5"),
    "CL empty": framed(b"Content-Length:"),
    "CL above 64 bits": framed(b"Content-Length: 18446744073709551621"),
    "CL before a space": framed(b"Content-Length : 5"),
    "CL with NUL": framed(b"Content-Length: 5\0"),
}
CHUNKS: dict[str, bytes] = {
    "size with 0x": chunks(b"0x1\r\na\r\n0\r\n\r\n"),
    "size negative": chunks(b"-1\r\na\r\n0\r\n\r\n"),
    "size above 64 bits": chunks(b"10000000000000001\r\na\r\n0\r\n\r\n"),
    "size with a bare LF": chunks(b"1\na\r\n0\r\n\r\n"),
    "size with a bare CR": chunks(b"1\ra\r\n0\r\n\r\n"),
    "size empty": chunks(b"\r\na\r\n0\r\n\r\n"),
    "more than its size": chunks(b"1\r\nabc\r\n0\r\n\r\n"),
    "end without CR": chunks(b"1\r\na\n0\r\n\r\n"),
    "extension with LF": chunks(b"1;a=\nb\r\na\r\n0\r\n\r\n"),
    "extension with NUL": chunks(b"1;a=\0\r\na\r\n0\r\n\r\n"),
    "extension without end": chunks(b"1;" + b"a" * 40_000 + b"\r\na\r\n0\r\n\r\n"),
    "trailer without colon": chunks(b"1\r\na\r\n0\r\nbad\r\n\r\n"),
    "trailer with a bare LF": chunks(b"1\r\na\r\n0\r\nA: b\nC: d\r\n\r\n"),
    "trailers without end": chunks(b"1\r\na\r\n0\r\n" + b"A: b\r\n" * 20_000 + b"\r\n"),
}
HEADS: dict[str, bytes] = {
    "bare LF ends": get().replace(b"\r\n", b"\n"),
    "bare CR in a value": get(b"X: a\rb"),
    "NUL in a value": get(b"X: a\0b"),
    "NUL in a name": get(b"X\0Y: a"),
    "control in a value": get(b"X: a\x01b"),
    "DEL in a value": get(b"X: a\x7fb"),
    "space in a name": get(b"X Y: a"),
    "space before the colon": get(b"X : a"),
    "no name": get(b": a"),
    "no colon": get(b"X"),
    "folded": get(b"X: a", b" b"),
    "folded with a tab": get(b"X: a", b"\tb"),
    "space before the first field": get().replace(b"Host:", b" Host:", 1),
    "two hosts": get(b"Host: b"),
    "no host": get().replace(b"Host: a\r\n", b"", 1),
    "host with a user": get().replace(b"Host: a", b"Host: a@b", 1),
    "host with a path": get().replace(b"Host: a", b"Host: a/b", 1),
    "host with a space": get().replace(b"Host: a", b"Host: a b", 1),
    "host list": get().replace(b"Host: a", b"Host: a, b", 1),
    "bare CR in the target": get(target=b"/host\rile"),
    "NUL in the target": get(target=b"/host\0ile"),
    "space in the target": get(target=b"/host ile"),
    "tab for a space": get().replace(b" /hostile ", b"\t/hostile\t", 1),
    "two spaces": get().replace(b" /hostile ", b"  /hostile ", 1),
    "other version": get().replace(b"HTTP/1.1", b"HTTP/3.1", 1),
    "version in lower case": get().replace(b"HTTP/1.1", b"http/1.1", 1),
    "no version": get().replace(b" HTTP/1.1", b"", 1),
    "no token as method": get().replace(b"GET", b"G(T", 1),
    "target that is no path": get(target=b"hostile"),
    "oversized field": get(b"X: " + b"a" * 70_000),
    "too many fields": get(*(b"X-%d: a" % number for number in range(2000))),
    "oversized target": get(target=b"/" + b"a" * 70_000),
}

# Of origins. Where %s stands come more fields.
ANSWERS: dict[str, bytes] = {
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 5\r\n%s\r\nevil!",
    "length and chunks": b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n%s\r\n"
                         b"4\r\nevil\r\n0\r\n\r\n",
    "length that is none": b"HTTP/1.1 200 OK\r\nContent-Length: 4x\r\n%s\r\nevil",
    "unknown coding": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: xchunked\r\n%s\r\nevil",
    "chunk size that is none": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n%s\r\n4x\r\nevil\r\n0\r\n\r\n",
    "chunks without end": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n%s\r\n4\r\nevil\r\n",
    "chunk too long": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n%s\r\n3\r\nevil\r\n0\r\n\r\n",
    "bare CR in a value": b"HTTP/1.1 200 OK\r\nX: a\rSet-Cookie: evil=1\r\nContent-Length: 4\r\n%s\r\nevil",
    "bare LF in a value": b"HTTP/1.1 200 OK\r\nX: a\nSet-Cookie: evil=1\r\nContent-Length: 4\r\n%s\r\nevil",
    "NUL in a value": b"HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 4\r\n%s\r\nevil",
    "space in a name": b"HTTP/1.1 200 OK\r\nX Y: a\r\nContent-Length: 4\r\n%s\r\nevil",
    "space before the colon": b"HTTP/1.1 200 OK\r\nContent-Length : 4\r\n%s\r\nevil",
    "no colon": b"HTTP/1.1 200 OK\r\nX\r\nContent-Length: 4\r\n%s\r\nevil",
    "folded": b"HTTP/1.1 200 OK\r\nX: a\r\n Content-Length: 4\r\n%s\r\nevil",
    "status of two digits": b"HTTP/1.1 20 OK\r\nContent-Length: 4\r\n%s\r\nevil",
    "status of four digits": b"HTTP/1.1 2000 OK\r\nContent-Length: 4\r\n%s\r\nevil",
    "other protocol": b"ICY 200 OK\r\nContent-Length: 4\r\n%s\r\nevil",
    "other version": b"HTTP/2.0 200 OK\r\nContent-Length: 4\r\n%s\r\nevil",
    "CR in the reason": b"HTTP/1.1 200 O\rK\r\nContent-Length: 4\r\n%s\r\nevil",
    "switched protocols": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: evil\r\nConnection: upgrade\r\n%s\r\nevil",
    "oversized head": b"HTTP/1.1 200 OK\r\nX: " + b"a" * 300_000 + b"\r\nContent-Length: 4\r\n%s\r\nevil",
    "too many fields": b"HTTP/1.1 200 OK\r\n" + b"X: a\r\n" * 20_000 + b"Content-Length: 4\r\n%s\r\nevil",
    "head without end": b"HTTP/1.1 200 OK\r\nX: a\r\n%sX: b",
    "nothing": b"",
}

# Good answers, with more after them than they say.
EXTRA = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nCache-Control: max-age=600\r\n\r\nevil"
LONGER: dict[str, bytes] = {
    "body": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok" + EXTRA,
    "stored body": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nCache-Control: max-age=600\r\n\r\nok" + EXTRA,
    "chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n" + EXTRA,
    "204": b"HTTP/1.1 204 No Content\r\n\r\n" + EXTRA,
    "204 with a length": b"HTTP/1.1 204 No Content\r\nContent-Length: 4\r\n\r\nevil" + EXTRA,
}
