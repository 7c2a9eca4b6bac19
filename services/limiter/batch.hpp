#pragma once
// What POST /v1/limits asks: several keys in one request. Pure.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "services/limiter/parameters.hpp"
#include "services/limiter/rule.hpp"

namespace shoal::limiter {

constexpr std::size_t most_checks = 100;

struct batch {
    struct check {
        std::string rule;
        std::string key;
        std::int64_t cost = 1;
    };

    std::vector<check> checks;
    bool all_or_nothing = false;
};

/// {"checks":[{"rule":"demo","key":"alice","cost":1}],"all_or_nothing":true}. Problems name their place:
/// "checks[3].cost ...".
[[nodiscard]] parsed<batch> read_batch(std::string_view body);

/// Whether the rule that checks[index] names, null when there is none, lets it take its cost.
[[nodiscard]] std::optional<refusal> refuse_check(const rule* by, const batch::check& asked, std::size_t index);

/// The order in which to take: everybody's the same, so that two batches do not take from each other in turns.
[[nodiscard]] std::vector<std::size_t> taking_order(const batch& of);

}  // namespace shoal::limiter
