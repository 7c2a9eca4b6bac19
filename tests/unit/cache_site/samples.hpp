#pragma once
// What the tests of sites are fed with.

#include <cstdint>
#include <random>
#include <string>
#include <string_view>

#include "services/cache/site/host.hpp"
#include "services/cache/site/settings.hpp"

namespace shoal::cache::test {

struct reading {
    settings made;
    /// One line each; empty when there are none.
    std::string problems;
};

/// Reads `services.cache` of this JSON.
[[nodiscard]] reading read(const std::string& json);
/// Fails the test when there is a problem.
[[nodiscard]] settings read_valid(const std::string& json);
/// Of one site "shop" with the host "shop.example", an origin, and these members.
[[nodiscard]] settings one_site(const std::string& members = "");

/// The key of a target at http://shop.example, and the rule that is for it.
struct made_key {
    std::string key;
    const rule* by = nullptr;
};
[[nodiscard]] made_key key_of(const site& of, std::string_view target, std::string_view host = "shop.example",
                              scheme over = scheme::http);

/// The seed of a random test, which it shows when it fails: SHOAL_TEST_SEED, or another one each time.
[[nodiscard]] std::uint64_t seed();

/// Text of `length` characters out of `letters`.
[[nodiscard]] std::string random_text(std::mt19937_64& random, std::string_view letters, std::size_t most);

}  // namespace shoal::cache::test
