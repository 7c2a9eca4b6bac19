#include "services/cache/site/client_address.hpp"

#include <string>
#include <string_view>
#include <vector>

#include <catch2/catch.hpp>

namespace shoal::cache {
namespace {

std::string client_of(std::string_view forwarded, const std::vector<std::string>& proxies)
{
    std::vector<listed_block> listed;
    for (const auto& one : proxies) listed.push_back({one, *address_block::parse(one)});
    const std::vector<field_view> fields{{"X-Forwarded-For", forwarded}};
    return std::string{client_address(read_forwarded(fields), listed)};
}

TEST_CASE("client address: the last that no trusted proxy has", "[cache]")
{
    CHECK(client_of("198.51.100.9", {}) == "198.51.100.9");
    CHECK(client_of("203.0.113.1, 198.51.100.9", {}) == "198.51.100.9");
    CHECK(client_of("203.0.113.1, 10.0.0.2", {"10.0.0.0/8"}) == "203.0.113.1");
    CHECK(client_of("8.8.8.8, 203.0.113.1, 10.0.0.3, 10.0.0.2", {"10.0.0.0/8"}) == "203.0.113.1");
    CHECK(client_of("2001:db8::1, 10.0.0.2", {"10.0.0.0/8"}) == "2001:db8::1");
}

TEST_CASE("client address: a proxy that asks for itself", "[cache]")
{
    CHECK(client_of("10.0.0.2", {"10.0.0.0/8"}) == "10.0.0.2");
    CHECK(client_of("10.0.0.3, 10.0.0.2", {"10.0.0.0/8"}) == "10.0.0.3");
}

TEST_CASE("client address: who is named in a way that can't be read is nobody, and no proxy", "[cache]")
{
    CHECK(client_of("203.0.113.1:4711, 10.0.0.2", {"10.0.0.0/8"}).empty());
    CHECK(client_of("unknown, 10.0.0.2", {"10.0.0.0/8"}).empty());
    CHECK(client_of("unknown, 198.51.100.9, 10.0.0.2", {"10.0.0.0/8"}) == "198.51.100.9");
    CHECK(client_of("unknown", {}).empty());
    CHECK(client_of("", {}).empty());
}

}  // namespace
}  // namespace shoal::cache
