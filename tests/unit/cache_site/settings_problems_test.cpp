// Every message about a configuration that is refused: it names the place, and says what is allowed.

#include <fmt/format.h>
#include <catch2/catch.hpp>

#include <algorithm>
#include <fstream>

#include "tests/support/temp_folder.hpp"
#include "tests/unit/cache_site/samples.hpp"

using namespace shoal::cache::test;

namespace {

const char* const valid_site = R"("name":"a","hosts":["a.example"],"origins":["127.0.0.1:80"])";

/// Of one site with these members besides the ones it needs.
std::string of_site(const std::string& members)
{
    return read(std::string{R"({"sites":[{)"} + valid_site + "," + members + "}]}").problems;
}

std::string of_rule(const std::string& members)
{
    return of_site(R"("rules":[{"path":"/*",)" + members + "}]");
}

const std::string site_path{"shoal.json: $.services.cache.sites[0]."};

std::string range_of(const char* least, const char* most)
{
    return std::string{"must be a duration from \""} + least + "\" to \"" + most +
           "\" (a whole number and us, ms, s, m, h or d), is ";
}

}  // namespace

TEST_CASE("problems: of the whole", "[cache]")
{
    const std::string root{"shoal.json: $.services.cache."};
    REQUIRE(read(R"({"memory":"1kb"})").problems ==
            root +
                "memory: must be a size from \"1mb\" to \"1024gb\" (a whole number and b, kb, mb or gb), is \"1kb\"");
    REQUIRE(read(R"({"memory":64})").problems ==
            root + "memory: must be a size from \"1mb\" to \"1024gb\" (a whole number and b, kb, mb or gb), is 64");
    REQUIRE(read(R"({"l2_object":"65mb"})").problems ==
            root +
                "l2_object: must be a size from \"0b\" to \"64mb\" (a whole number and b, kb, mb or gb), is \"65mb\"");
    REQUIRE(read(R"({"site":[]})").problems ==
            root +
                "site: unknown key; did you mean \"sites\"? known: memory, l2_object, purge, trusted_proxies, sites");
    REQUIRE(read(R"({"sites":{}})").problems == root + "sites: must be an array of objects, is an object");
    REQUIRE(read(R"({"sites":[1]})").problems.starts_with(root + "sites[0]: must be an object, is 1"));
    std::string many{R"({"sites":[)"};
    for (int i = 0; i < 1001; ++i) many += i == 0 ? "{}" : ",{}";
    REQUIRE(read(many + "]}").problems == root + "sites: has 1001 entries; at most 1000 are allowed");
}

TEST_CASE("problems: of who may purge", "[cache]")
{
    const std::string root{"shoal.json: $.services.cache.purge."};
    const auto of = [](const std::string& members) { return read(R"({"purge":{)" + members + "}}").problems; };
    REQUIRE(of(R"("allow":["127.0.0.1","10.0.0.1/8","localhost"])") ==
            root + "allow: entry 1: must be an address or a block of them, as \"127.0.0.1\", \"10.0.0.0/8\"\n" + root +
                "allow: entry 2: must be an address or a block of them, as \"127.0.0.1\", \"10.0.0.0/8\"");
    REQUIRE(of(R"("allow":"::1")") == root + "allow: must be an array of 0 to 100 strings");
    REQUIRE(of(R"("token":"x")") == root + "token: unknown key; known: token_file, allow");
    REQUIRE(of(R"("token_file":"/nowhere/token")").starts_with(root + "token_file: /nowhere/token"));

    const shoal::test::temp_folder folder;
    const auto file = folder.file("token");
    const auto of_text = [&](const std::string& text) {
        std::ofstream{file} << text;
        return of(R"("token_file":")" + file + '"');
    };
    const auto refused = root + "token_file: '" + file + "' must hold one line of 16 to 512 visible ASCII characters";
    REQUIRE(of_text("") == refused);
    REQUIRE(of_text("too-short\n") == refused);
    REQUIRE(of_text("two lines of\ntext that is long enough") == refused);
    REQUIRE(of_text(std::string(513, 'a')) == refused);
    REQUIRE(of_text(std::string(512, 'a') + "\n").empty());
}

TEST_CASE("problems: of proxies that are believed", "[cache]")
{
    const std::string root{"shoal.json: $.services.cache.trusted_proxies: "};
    REQUIRE(read(R"({"trusted_proxies":"10.0.0.1"})").problems == root + "must be an array of 0 to 100 strings");
    REQUIRE(read(R"({"trusted_proxies":["edge.example"]})").problems ==
            root + "entry 0: must be an address or a block of them, as \"127.0.0.1\", \"10.0.0.0/8\"");
}

TEST_CASE("problems: of what a site must have", "[cache]")
{
    REQUIRE(read(R"({"sites":[{}]})").problems ==
            site_path + "name: is missing\n" + site_path + "hosts: is missing\n" + site_path + "origins: is missing");
    for (const auto* const name : {"", "Shop", "a b", "a_b", "abcdefghijklmnopqrstuvwxyz0123456"}) {
        const auto got = read(std::string{R"({"sites":[{"name":")"} + name + R"(","hosts":["a"],"origins":["a:1"]}]})");
        CAPTURE(name);
        REQUIRE(got.problems == site_path + "name: is not a site's name; use 1 to 32 of a-z, 0-9 and '-'");
    }
}

TEST_CASE("problems: of hosts", "[cache]")
{
    const auto of = [](const std::string& hosts) {
        return read(R"({"sites":[{"name":"a","origins":["a:1"],"hosts":)" + hosts + "}]}").problems;
    };
    const std::string wrong{
        "must be a host as \"shop.example\", \"*.shop.example\" for those below it, or \"*\" for any"};
    REQUIRE(of("[]") == site_path + "hosts: must be an array of 1 to 100 strings");
    REQUIRE(of(R"("a.example")") == site_path + "hosts: must be an array of 1 to 100 strings");
    const auto refused = site_path + "hosts: entry 0: " + wrong;
    for (const auto* const host : {"", "a b", "http://a", "a/b", "*.", "a.*", "**", "*a.example"}) {
        CAPTURE(host);
        const auto list = fmt::format(R"(["{}"])", host);
        REQUIRE(of(list) == refused);
    }
    REQUIRE(of("[7]") == site_path + "hosts: entry 0: must be a string");
    REQUIRE(of(R"(["a.example","A.example:80"])") ==
            site_path + "hosts: entry 1: 'a.example' stands twice; once is enough");
}

TEST_CASE("problems: of two sites with one name or one host", "[cache]")
{
    const auto got = read(R"({"sites":[{"name":"a","hosts":["a.example","*"],"origins":["a:1"]},
        {"name":"a","hosts":["b.example","A.EXAMPLE"],"origins":["a:1"]},{"name":"c","hosts":["*"],"origins":["a:1"]}]})");
    REQUIRE(got.problems ==
            "shoal.json: $.services.cache.sites[1].name: 'a' stands twice; each site needs a name of its own\n"
            "shoal.json: $.services.cache.sites[1].hosts: 'a.example' is of the site 'a' already\n"
            "shoal.json: $.services.cache.sites[2].hosts: '*' is of the site 'a' already");
}

TEST_CASE("problems: of origins", "[cache]")
{
    const auto of = [](const std::string& origin) {
        return read(R"({"sites":[{"name":"a","hosts":["a"],"origins":[")" + origin + R"("]}]})").problems;
    };
    const std::string wrong{
        "must be \"HOST:PORT\", \"[IPv6]:PORT\" or \"unix:/PATH\"; without http:// in front, and no https"};
    const auto refused = site_path + "origins: entry 0: " + wrong;
    for (const auto* const origin :
         {"", "a", ":80", "a:0", "a:65536", "a:http", "http://a:80", "https://a", "a:80/x", "::1:80"}) {
        CAPTURE(origin);
        REQUIRE(of(origin) == refused);
    }
    const std::string wrong_path{"must be an absolute path of at most 107 bytes after \"unix:\""};
    REQUIRE(of("unix:app.sock") == site_path + "origins: entry 0: " + wrong_path);
    REQUIRE(of("unix:") == site_path + "origins: entry 0: " + wrong_path);
    REQUIRE(of("unix:/" + std::string(107, 'a')) == site_path + "origins: entry 0: " + wrong_path);
    REQUIRE(of("unix:/" + std::string(106, 'a')).empty());
    for (const auto* const origin : {"a:80", "a:443", "[::1]:80", "127.0.0.1:65535"}) {
        CAPTURE(origin);
        REQUIRE(of(origin).empty());
    }
}

TEST_CASE("problems: of how a site reaches its origin", "[cache]")
{
    REQUIRE(of_site(R"("origin_host":"a/b")") ==
            site_path + "origin_host: must be a host, for example \"shop.internal\" or \"shop.internal:8080\"");
    for (const auto* const name : {"connect_timeout", "first_byte_timeout", "between_bytes_timeout", "idle_timeout"}) {
        CAPTURE(name);
        REQUIRE(of_site(std::string{"\""} + name + "\":\"0s\"") ==
                site_path + name + ": " + range_of("1ms", "1h") + "\"0s\"");
        REQUIRE(of_site(std::string{"\""} + name + "\":\"1500us\"") ==
                site_path + name + ": must be of whole milliseconds");
    }
    REQUIRE(of_site(R"("connections":0)") == site_path + "connections: must be an integer from 1 to 10000, is 0");
    REQUIRE(of_site(R"("check":{})") == site_path + "check.path: is missing");
    REQUIRE(of_site(R"("check":{"path":"health"})") ==
            site_path + "check.path: must begin with '/' and have visible ASCII characters only");
    REQUIRE(of_site(R"("check":{"path":"/","host":"a b"})") ==
            site_path + "check.host: must be a host, for example \"shop.internal\"");
    REQUIRE(of_site(R"("check":{"path":"/","interval":"10ms"})") ==
            site_path + "check.interval: " + range_of("100ms", "1h") + "\"10ms\"");
    REQUIRE(of_site(R"("check":{"path":"/","timeout":"2m"})") ==
            site_path + "check.timeout: " + range_of("10ms", "1m") + "\"2m\"");
    REQUIRE(of_site(R"("check":{"path":"/","every":"2s"})") ==
            site_path + "check.every: unknown key; known: path, host, interval, timeout");
}

TEST_CASE("problems: of what is kept of a site", "[cache]")
{
    REQUIRE(of_site(R"("relay_within":"399ms")") ==
            site_path + "relay_within: " + range_of("400ms", "1h") + "\"399ms\"");
    REQUIRE(of_site(R"("audit":{"per_second":0})") ==
            site_path + "audit.per_second: must be an integer from 1 to 1000, is 0");
    REQUIRE(of_site(R"("audit":{"every":1})") == site_path + "audit.every: unknown key; known: per_second");
    REQUIRE(of_site(R"("max_object":"1b")") ==
            site_path +
                "max_object: must be a size from \"1kb\" to \"16gb\" (a whole number and b, kb, mb or gb), is \"1b\"");
    REQUIRE(of_site(R"("tags_hidden":1)") == site_path + "tags_hidden: must be true or false, is 1");
    REQUIRE(of_site(R"("forwarded_for":"all")") ==
            site_path + R"(forwarded_for: must be one of "client", "chain", "none", is "all")");
    for (const auto* const name : {"default_ttl", "negative_ttl", "stale_while_revalidate", "stale_if_error"}) {
        CAPTURE(name);
        REQUIRE(of_site(std::string{"\""} + name + "\":\"367d\"") ==
                site_path + name + ": " + range_of("0s", "366d") + "\"367d\"");
        REQUIRE(of_site(std::string{"\""} + name + "\":\"500ms\"") == site_path + name + ": must be of whole seconds");
    }
    REQUIRE(of_site(R"("pass":true)") ==
            site_path +
                "pass: unknown key; known: name, hosts, origins, origin_host, connect_timeout, "
                "first_byte_timeout, between_bytes_timeout, idle_timeout, connections, check, max_object, "
                "relay_within, audit, read_your_writes, tags_hidden, forwarded_for, methods, query, cookies, "
                "accept_encoding, "
                "accept_language, "
                "client_directives, ttl, default_ttl, negative_ttl, stale_while_revalidate, stale_if_error, "
                "heuristics, rules");
    REQUIRE(of_site(R"("rules":{})") == site_path + "rules: must be an array of objects, is an object");
    std::string many{R"("rules":[)"};
    for (int i = 0; i < 101; ++i) many += i == 0 ? "{}" : ",{}";
    REQUIRE(of_site(many + "]") == site_path + "rules: has 101 entries; at most 100 are allowed");
}

TEST_CASE("problems: of a rule's path", "[cache]")
{
    const auto of = [](const std::string& path) { return of_site(R"("rules":[{"path":")" + path + R"("}])"); };
    const std::string at{site_path + "rules[0].path: "};
    REQUIRE(of_site(R"("rules":[{}])") == at + "is missing");
    REQUIRE(of("") == at + "must be 1 to 256 visible ASCII characters with at most 8 '*'\n" + at +
                          "must begin with '/' or '*', for example \"/static/*\" or \"*.css\"");
    REQUIRE(of("static/*") == at + "must begin with '/' or '*', for example \"/static/*\" or \"*.css\"");
    REQUIRE(of("/caf\xc3\xa9") == at + "must be 1 to 256 visible ASCII characters with at most 8 '*'");
    REQUIRE(of("/*a*b*c*d*e*f*g*h*i") == at + "must be 1 to 256 visible ASCII characters with at most 8 '*'");
    REQUIRE(of("/" + std::string(256, 'a')) == at + "must be 1 to 256 visible ASCII characters with at most 8 '*'");
    REQUIRE(of("/" + std::string(255, 'a')).empty());
}

TEST_CASE("problems: of how a rule caches", "[cache]")
{
    const std::string at{site_path + "rules[0]."};
    REQUIRE(of_rule(R"("methods":[])") == at + "methods: must be an array of 1 to 2 strings");
    REQUIRE(of_rule(R"("methods":["POST"])") ==
            at + "methods: entry 0: must be \"GET\" or \"HEAD\": no other answer is ever stored");
    REQUIRE(of_rule(R"("cookies":"keep")") == at + R"(cookies: must be one of "guard", "bypass", "ignore", is "keep")");
    REQUIRE(of_rule(R"("ttl":"0s")") == at + "ttl: " + range_of("1s", "366d") + "\"0s\"");
    REQUIRE(of_rule(R"("ttl":"1500ms")") == at + "ttl: must be of whole seconds");
    REQUIRE(of_rule(R"("accept_encoding":["identity"])") ==
            at + "accept_encoding: entry 0: must be a content coding, for example \"gzip\"");
    REQUIRE(of_rule(R"("accept_encoding":["gzip","GZIP"])") ==
            at + "accept_encoding: entry 1: 'gzip' stands twice; once is enough");
    REQUIRE(of_rule(R"("accept_language":["en_GB"])") ==
            at + "accept_language: entry 0: must be a language tag, for example \"sv\" or \"en-GB\"");
    REQUIRE(of_rule(R"("query":[])") == at + "query: must be an object, is an array");
    REQUIRE(of_rule(R"("query":{"order":true})") == at + "query.order: unknown key; known: sort, drop, keep");
    REQUIRE(of_rule(R"("query":{"drop":["a=b"]})") ==
            at + "query.drop: entry 0: is the name of a parameter, without '&', '=' and '#'");
    REQUIRE(of_rule(R"("query":{"keep":[""]})") ==
            at + "query.keep: entry 0: must be 1 to 256 visible ASCII characters with at most 8 '*'");
    REQUIRE(of_rule(R"("query":{"sort":"yes"})") == at + "query.sort: must be true or false, is \"yes\"");
    REQUIRE(of_rule(R"("pass":0)") == at + "pass: must be true or false, is 0");
    REQUIRE(of_rule(R"("origins":["a:1"])") ==
            at + "origins: unknown key; known: path, pass, methods, query, cookies, accept_encoding, "
                 "accept_language, client_directives, ttl, default_ttl, negative_ttl, stale_while_revalidate, "
                 "stale_if_error, heuristics");
}

TEST_CASE("problems: all of them are named at once", "[cache]")
{
    const auto got = read(R"({"memory":1,"sites":[{"name":"A","hosts":[],"origins":["x"],"rules":[{"ttl":1}]}]})");
    REQUIRE(std::ranges::count(got.problems, '\n') == 5);
}
