// Keys of random URLs: what is equivalent has one key, what an origin may tell apart has two.

#include "services/cache/site/key.hpp"

#include <catch2/catch.hpp>

#include <map>
#include <optional>

#include "common/core/ascii.hpp"
#include "services/cache/site/path.hpp"
#include "tests/unit/cache_site/samples.hpp"

using namespace shoal::cache;
using namespace shoal::cache::test;

namespace {

constexpr std::string_view letters{"ab.%2Ee5cCfF/;\\?&=61~-\t\x80"};

std::string random_target(std::mt19937_64& random)
{
    return "/" + random_text(random, letters, 14);
}

bool is_unreserved(int byte)
{
    return byte < 128 && (std::isalnum(byte) != 0 ||
                          std::string_view{"-._~"}.find(static_cast<char>(byte)) != std::string_view::npos);
}

int hex(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    const char lower = shoal::to_lower(c);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/// The one text of all that RFC 3986, 6.2.2.1 and 6.2.2.2 calls equivalent, written without a look at the cache's own
/// code: unreserved characters as themselves, any other escape with its value in front of a mark that no URL has.
std::string meaning(std::string_view target)
{
    std::string meant;
    for (std::size_t i = 0; i < target.size(); ++i) {
        const int high = target[i] == '%' && i + 2 < target.size() ? hex(target[i + 1]) : -1;
        const int low = high < 0 ? -1 : hex(target[i + 2]);
        if (low < 0) {
            meant += target[i];
            continue;
        }
        const int byte = high * 16 + low;
        if (is_unreserved(byte))
            meant += static_cast<char>(byte);
        else
            meant += '\x01' + std::to_string(byte) + '\x02';
        i += 2;
    }
    return meant;
}

/// Another spelling of the same: some unreserved characters encoded, digits of escapes in the other case.
std::string respelled(std::mt19937_64& random, std::string_view text)
{
    constexpr std::string_view digits{"0123456789abcdef0123456789ABCDEF"};
    std::string other;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '.' || !is_unreserved(byte) || random() % 2 == 0) {
            other += c;
            continue;
        }
        const std::size_t upper = random() % 2 * 16;
        other += '%';
        other += digits[upper + byte / 16];
        other += digits[upper + byte % 16];
    }
    return other;
}

}  // namespace

TEST_CASE("keys: a key's own target has that key", "[cache]")
{
    const auto first = seed();
    CAPTURE(first);
    std::mt19937_64 random{first};
    const auto made = one_site(R"("rules":[{"path":"/a*","query":{"sort":true,"drop":["a*","6"]}},
        {"path":"/b*","query":{"keep":["a*","%2e"]}}])");
    const auto& shop = made.sites.all().front();
    for (int i = 0; i < 50'000; ++i) {
        const auto target = random_target(random);
        const auto once = key_of(shop, target);
        const auto twice = key_of(shop, target_of(once.key));
        CAPTURE(target, once.key);
        REQUIRE(twice.key == once.key);
        REQUIRE(twice.by == once.by);
    }
}

TEST_CASE("keys: targets that mean different things have different keys", "[cache]")
{
    const auto first = seed();
    CAPTURE(first);
    std::mt19937_64 random{first};
    const auto made = one_site();
    const auto& shop = made.sites.all().front();
    std::map<std::string, std::string> meaning_of_key;
    for (int i = 0; i < 50'000; ++i) {
        // Short, so that many of them meet.
        const auto target = "/" + random_text(random, "a.%2Ee6/;?", 5);
        const auto key = key_of(shop, target).key;
        const auto [known, added] = meaning_of_key.emplace(key, meaning(target));
        CAPTURE(target, key);
        REQUIRE(known->second == meaning(target));
    }
    REQUIRE(meaning_of_key.size() > 1000);
}

TEST_CASE("keys: spellings of one URL have one key", "[cache]")
{
    const auto first = seed();
    CAPTURE(first);
    std::mt19937_64 random{first};
    const auto made = one_site();
    const auto& shop = made.sites.all().front();
    for (int i = 0; i < 20'000; ++i) {
        const auto target = "/" + random_text(random, "abZ09-_~!$&'()*+,=:@", 12) + "?" +
                            random_text(random, "abZ09-_~!$&'()*+,=:@/?", 12);
        const auto other = respelled(random, target);
        CAPTURE(target, other);
        REQUIRE(key_of(shop, other).key == key_of(shop, target).key);
    }
}

TEST_CASE("keys: nothing that could be part of a head gets through a target that is well-formed", "[cache]")
{
    const auto first = seed();
    CAPTURE(first);
    std::mt19937_64 random{first};
    const auto made = one_site();
    const auto& shop = made.sites.all().front();
    for (int i = 0; i < 20'000; ++i) {
        const auto target = "/" + random_text(random, "a%0dDAaF?&=", 12);
        const auto key = key_of(shop, target).key;
        CAPTURE(target, key);
        REQUIRE(key.find_first_of(std::string_view{"\r\n \t\0", 5}) == std::string::npos);
    }
}
