#include "tests/unit/http/refusals.hpp"

#include "tests/unit/http/world.hpp"

namespace shoal::test {
namespace {

using namespace std::string_literals;

/// A request that would be served, but for the lines given.
std::string with(const std::string& lines)
{
    return "POST /echo HTTP/1.1\r\nHost: a\r\n" + lines + "\r\n";
}

std::string chunked(const std::string& body)
{
    return with("Transfer-Encoding: chunked\r\n") + body;
}

std::string target(const std::string& text)
{
    return "GET " + text + " HTTP/1.1\r\nHost: a\r\n\r\n";
}

std::vector<refused_case> line_cases()
{
    return {
        {"NUL in a value", with("A: b\0c\r\n"s), 400},
        {"NUL in a name", with("A\0b: c\r\n"s), 400},
        {"NUL in the target", target("/a\0b"s), 400},
        {"NUL in the method", "GE\0T / HTTP/1.1\r\nHost: a\r\n\r\n"s, 400},
        {"CR in a value", with("A: b\rc\r\n"), 400},
        {"CR CR LF", with("A: b\r\r\n"), 400},
        {"CR after the request line", "GET / HTTP/1.1\r\r\nHost: a\r\n\r\n", 400},
        {"LF ends a header", "GET / HTTP/1.1\r\nHost: a\nB: c\r\n\r\n", 400},
        {"LF ends the request line", "GET / HTTP/1.1\nHost: a\r\n\r\n", 400},
        {"LF ends the head", "GET / HTTP/1.1\r\nHost: a\r\n\n", 400},
        {"LF before the request", "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"obs-fold by space", with("A: b\r\n c\r\n"), 400},
        {"obs-fold by tab", with("A: b\r\n\tc\r\n"), 400},
        {"obs-fold after the request line", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400},
        {"space before the colon", with("A : b\r\n"), 400},
        {"tab before the colon", with("A\t: b\r\n"), 400},
        {"space in a name", with("A b: c\r\n"), 400},
        {"empty name", with(": b\r\n"), 400},
        {"no colon", with("Ab\r\n"), 400},
        {"control character in a value", with("A: b\x01\r\n"), 400},
        {"DEL in a value", with("A: b\x7f\r\n"), 400},
        {"two empty lines first", "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"no Host", "GET / HTTP/1.1\r\n\r\n", 400},
        {"two Hosts", with("Host: a\r\n"), 400},
        {"two Hosts in 1.0", "GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n", 400},
        {"Host is a list", "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", 400},
        {"Host has a path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400},
        {"Connection is no list", with("Connection: a b\r\n"), 400},
        {"another expectation", with("Expect: 200-ok\r\n"), 417},
        {"deadline of 0", with("X-Request-Deadline-Ms: 0\r\n"), 400},
        {"deadline too long", with("X-Request-Deadline-Ms: 3600001\r\n"), 400},
        {"deadline with a unit", with("X-Request-Deadline-Ms: 10ms\r\n"), 400},
        {"negative deadline", with("X-Request-Deadline-Ms: -1\r\n"), 400},
        {"two deadlines", with("X-Request-Deadline-Ms: 5\r\nX-Request-Deadline-Ms: 5\r\n"), 400},
    };
}

std::vector<refused_case> request_line_cases()
{
    return {
        {"space in the target", target("/a b"), 400},
        {"two spaces", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"tab for a space", "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"space after the version", "GET / HTTP/1.1 \r\nHost: a\r\n\r\n", 400},
        {"control character in the target", target("/a\x01"), 400},
        {"DEL in the target", target("/a\x7f"), 400},
        {"UTF-8 in the target", target("/\xc3\xa4"), 400},
        {"fragment", target("/a#b"), 400},
        {"no target", "GET HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"HTTP/0.9", "GET /\r\nHost: a\r\n\r\n", 400},
        {"relative target", target("a"), 400},
        {"other scheme", target("ftp://a/b"), 400},
        {"absolute without host", target("http:///b"), 400},
        {"absolute with a user", target("http://u@a/b"), 400},
        {"asterisk with GET", target("*"), 400},
        {"authority with GET", target("a:80"), 400},
        {"CONNECT", "CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", 501},
        {"method is no token", "G@T / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
        {"HTTP/1.2", "GET / HTTP/1.2\r\nHost: a\r\n\r\n", 505},
        {"HTTP/0.9 named", "GET / HTTP/0.9\r\nHost: a\r\n\r\n", 505},
        {"other protocol", "GET / HTTQ/1.1\r\nHost: a\r\n\r\n", 400},
        {"lower-case protocol", "GET / http/1.1\r\nHost: a\r\n\r\n", 400},
        {"TLS", "\x16\x03\x01\x02\r\n\r\n", 400},
        {"request line too long", target("/" + std::string(200, 'a')), 414},
        {"request line without end", "GET /" + std::string(300, 'a'), 414},
        {"head too long", with("A: " + std::string(600, 'a') + "\r\n"), 431},
        {"head without end", "GET / HTTP/1.1\r\nHost: a\r\nA: " + std::string(600, 'a'), 431},
        {"too many headers", with("A: 1\r\nB: 2\r\nC: 3\r\nD: 4\r\nE: 5\r\nF: 6\r\nG: 7\r\nH: 8\r\n"), 431},
    };
}

std::vector<refused_case> framing_cases()
{
    const std::string chunked_line{"Transfer-Encoding: chunked\r\n"};
    return {
        {"equal lengths", with("Content-Length: 5\r\nContent-Length: 5\r\n") + "hello", 400},
        {"different lengths", with("Content-Length: 5\r\nContent-Length: 6\r\n") + "hello", 400},
        {"list of lengths", with("Content-Length: 5, 5\r\n") + "hello", 400},
        {"length with a plus", with("Content-Length: +5\r\n") + "hello", 400},
        {"negative length", with("Content-Length: -5\r\n") + "hello", 400},
        {"empty length", with("Content-Length: \r\n"), 400},
        {"hexadecimal length", with("Content-Length: 0x5\r\n") + "hello", 400},
        {"length beyond 64 bits", with("Content-Length: 18446744073709551616\r\n"), 400},
        {"length, then coding", with("Content-Length: 5\r\n" + chunked_line) + "0\r\n\r\n", 400},
        {"coding, then length", with(chunked_line + "Content-Length: 5\r\n") + "0\r\n\r\n", 400},
        {"two codings", with(chunked_line + chunked_line) + "0\r\n\r\n", 400},
        {"list of codings", with("Transfer-Encoding: gzip, chunked\r\n") + "0\r\n\r\n", 400},
        {"chunked twice", with("Transfer-Encoding: chunked, chunked\r\n") + "0\r\n\r\n", 400},
        {"identity", with("Transfer-Encoding: identity\r\n"), 400},
        {"empty coding", with("Transfer-Encoding: \r\n"), 400},
        {"chunked with a parameter", with("Transfer-Encoding: chunked;a=b\r\n") + "0\r\n\r\n", 400},
        {"unknown coding", with("Transfer-Encoding: xchunked\r\n") + "0\r\n\r\n", 400},
        {"coding in 1.0", "POST /echo HTTP/1.0\r\n" + chunked_line + "\r\n0\r\n\r\n", 400},
        {"body too large", with("Content-Length: 33\r\n"), 413},
        {"body far too large", with("Content-Length: 18446744073709551615\r\n"), 413},
        {"too large for 100 Continue", with("Content-Length: 33\r\nExpect: 100-continue\r\n"), 413},
    };
}

std::vector<refused_case> chunk_cases()
{
    return {
        {"no size", chunked("\r\n"), 400},
        {"size is no number", chunked("g\r\n"), 400},
        {"size with 0x", chunked("0x5\r\nhello\r\n0\r\n\r\n"), 400},
        {"negative size", chunked("-5\r\nhello\r\n0\r\n\r\n"), 400},
        {"size with a plus", chunked("+5\r\nhello\r\n0\r\n\r\n"), 400},
        {"space before the size", chunked(" 5\r\nhello\r\n0\r\n\r\n"), 400},
        {"space after the size", chunked("5 \r\nhello\r\n0\r\n\r\n"), 400},
        {"size beyond 64 bits", chunked("10000000000000005\r\nhello\r\n0\r\n\r\n"), 400},
        {"size with many zeros", chunked("00000000000000005\r\nhello\r\n0\r\n\r\n"), 400},
        {"size ends with LF", chunked("5\nhello\r\n0\r\n\r\n"), 400},
        {"size has a CR", chunked("5\r5\r\nhello\r\n0\r\n\r\n"), 400},
        {"extension has a NUL", chunked("5;a\0b\r\nhello\r\n0\r\n\r\n"s), 400},
        {"extension too long", chunked("5;" + std::string(1100, 'a') + "\r\nhello\r\n0\r\n\r\n"), 400},
        {"extension without end", chunked("5;" + std::string(2000, 'a')), 400},
        {"extensions too long together",
         chunked("1;" + std::string(600, 'a') + "\r\nh\r\n1;" + std::string(600, 'a') + "\r\ni\r\n0\r\n\r\n"), 400},
        {"chunk longer than its size", chunked("4\r\nhello\r\n0\r\n\r\n"), 400},
        {"chunk ends with LF", chunked("5\r\nhello\n0\r\n\r\n"), 400},
        {"chunk ends with CR", chunked("5\r\nhello\rX0\r\n\r\n"), 400},
        {"chunk too large", chunked("21\r\n"), 413},
        {"chunk far too large", chunked("ffffffffffffffff\r\n"), 413},
        {"chunks too large together", chunked("20\r\n" + std::string(32, 'a') + "\r\n1\r\n"), 413},
        {"trailer without colon", chunked("0\r\nab\r\n\r\n"), 400},
        {"trailer folded", chunked("0\r\nA: b\r\n c\r\n\r\n"), 400},
        {"trailer ends with LF", chunked("0\r\nA: b\n\r\n"), 400},
        {"trailer has a NUL", chunked("0\r\nA: \0\r\n\r\n"s), 400},
        {"trailers too long", chunked("0\r\nA: " + std::string(9000, 'a') + "\r\n\r\n"), 431},
        {"trailers too long together",
         chunked("0\r\nA: " + std::string(5000, 'a') + "\r\nB: " + std::string(5000, 'a') + "\r\n\r\n"), 431},
    };
}

}  // namespace

http::limits tight_limits()
{
    auto bounds = patient_limits();
    bounds.request_line = 200;
    bounds.head = 600;
    bounds.header_count = 8;
    bounds.body = 32;
    return bounds;
}

std::vector<refused_case> refused_cases()
{
    auto all = line_cases();
    for (const auto& more : {request_line_cases(), framing_cases(), chunk_cases()})
        all.insert(all.end(), more.begin(), more.end());
    return all;
}

std::vector<accepted_case> accepted_cases()
{
    const std::string rest{" HTTP/1.1\r\nHost: a\r\n"};
    return {
        {"plain", "GET /a?b=c" + rest + "\r\n", "/a?b=c", ""},
        {"an empty line first", "\r\nGET /a" + rest + "\r\n", "/a", ""},
        {"a body", "POST /echo" + rest + "Content-Length: 5\r\n\r\nhello", "/echo", "hello"},
        {"a body of the largest size", "POST /echo" + rest + "Content-Length: 32\r\n\r\n" + std::string(32, 'x'),
         "/echo", std::string(32, 'x')},
        {"a length with zeros", "POST /echo" + rest + "Content-Length: 005\r\n\r\nhello", "/echo", "hello"},
        {"an empty body", "POST /echo" + rest + "Content-Length: 0\r\n\r\n", "/echo", ""},
        {"a body of any bytes", "POST /echo" + rest + "Content-Length: 4\r\n\r\n\r\n\0\xff"s, "/echo", "\r\n\0\xff"s},
        {"chunks", "POST /echo" + rest + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n", "/echo",
         "hello!"},
        {"chunks in capitals", "POST /echo" + rest + "transfer-encoding: CHUNKED\r\n\r\nA\r\n0123456789\r\n0\r\n\r\n",
         "/echo", "0123456789"},
        {"chunks with extensions and trailers",
         "POST /echo" + rest + "Transfer-Encoding: chunked\r\n\r\n5;a=\"b c\"\r\nhello\r\n00;d\r\nE: f\r\nG:\r\n\r\n",
         "/echo", "hello"},
        {"no chunk", "POST /echo" + rest + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "/echo", ""},
        {"absolute form", "GET http://b:80/c?d HTTP/1.1\r\nHost: a\r\n\r\n", "/c?d", ""},
        {"absolute form without path", "GET HTTPS://b HTTP/1.1\r\nHost: a\r\n\r\n", "/", ""},
        {"absolute form with a query alone", "GET http://b?c HTTP/1.1\r\nHost: a\r\n\r\n", "/?c", ""},
        {"an empty value", "GET /a" + rest + "B:\r\n\r\n", "/a", ""},
        {"no space after the colon", "GET /a" + rest + "B:c\r\n\r\n", "/a", ""},
        {"a tab and UTF-8 in a value", "GET /a" + rest + "B: \tc\t\xc3\xa4 \r\n\r\n", "/a", ""},
        {"an empty Host", "GET /a HTTP/1.1\r\nHost:\r\n\r\n", "/a", ""},
        {"HTTP/1.0 without Host", "GET /a HTTP/1.0\r\n\r\n", "/a", ""},
        {"an unknown method", "BREW /a" + rest + "\r\n", "/a", ""},
        {"as many headers as may be", "GET /a" + rest + "A: 1\r\nB: 2\r\nC: 3\r\nD: 4\r\nE: 5\r\nF: 6\r\nG: 7\r\n\r\n",
         "/a", ""},
        {"a request line of the greatest length", "GET /" + std::string(200 - 16, 'a') + rest + "\r\n",
         "/" + std::string(200 - 16, 'a'), ""},
    };
}

}  // namespace shoal::test
