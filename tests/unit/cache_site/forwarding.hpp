#pragma once
// One client's request, and the head that the origin gets for it.

#include <string>
#include <string_view>
#include <vector>

#include "services/cache/site/forward.hpp"
#include "services/cache/site/settings.hpp"

namespace shoal::cache::test {

using lines = std::vector<std::string>;

struct client {
    std::string method = "GET";
    std::string target = "/";
    std::string host = "shop.example";
    scheme over = scheme::http;
    std::vector<field_view> fields{};
    bool shared = true;
};

/// As the first site's origin gets it: under the key's target where it is shared.
[[nodiscard]] std::string head_of(const settings& by, const client& asks);

/// Of each line of that name, without regard to case.
[[nodiscard]] lines values_of(std::string_view head, std::string_view name);

}  // namespace shoal::cache::test
