#pragma once
// The rules in force, found by name, each with what is made and looked up once for it.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "services/limiter/outcome.hpp"
#include "services/limiter/rules.hpp"

namespace shoal::metrics {
class counter;
class registry;
}  // namespace shoal::metrics

namespace shoal::limiter {

struct rule_counters {
    /// `shadow`: would have been refused.
    enum class verdict : std::uint8_t { allowed, refused, shadow };

    /// shoal_limiter_decisions_total
    [[nodiscard]] metrics::counter& decisions(verdict said, decided_by by) const noexcept
    {
        return *decisions_by_verdict[static_cast<std::size_t>(said)][static_cast<std::size_t>(by)];
    }

    std::array<std::array<metrics::counter*, 3>, 3> decisions_by_verdict{};
    metrics::counter* leased_cells = nullptr;
    metrics::counter* returned_cells = nullptr;
};

struct listed_rule {
    rule by;
    rule_counters count;
    /// Value of RateLimit-Policy.
    std::string policy;
};

/// Immutable; a request holds on to the one that it began with.
class rule_book {
public:
    rule_book(rules in_force, metrics::registry& into);
    rule_book(const rule_book&) = delete;
    rule_book& operator=(const rule_book&) = delete;

    /// Null when there is none.
    [[nodiscard]] const listed_rule* find(std::string_view name) const noexcept;

private:
    std::vector<listed_rule> rules_;
    std::unordered_map<std::string_view, const listed_rule*> by_name_;
};

}  // namespace shoal::limiter
