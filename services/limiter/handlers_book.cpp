#include "services/limiter/handlers_book.hpp"

#include <utility>

#include "common/metrics/metrics.hpp"
#include "services/limiter/verdict.hpp"

namespace shoal::limiter {
namespace {

rule_counters counters_of(const std::string& rule, metrics::registry& into)
{
    constexpr std::array verdicts{"allowed", "refused", "shadow"};
    constexpr std::array deciders{"memory", "redis", "policy"};
    rule_counters made;
    for (std::size_t verdict = 0; verdict < verdicts.size(); ++verdict)
        for (std::size_t by = 0; by < deciders.size(); ++by)
            made.decisions_by_verdict[verdict][by] =
                &into.add_counter("shoal_limiter_decisions_total",
                                  "Decisions, by verdict (shadow: would have been refused) and by who made them.",
                                  {{"rule", rule}, {"verdict", verdicts[verdict]}, {"by", deciders[by]}});
    made.leased_cells = &into.add_counter("shoal_limiter_leased_cells_total",
                                          "Cells taken ahead, to be spent from memory.", {{"rule", rule}});
    made.returned_cells = &into.add_counter("shoal_limiter_returned_cells_total",
                                            "Cells taken ahead and given back unspent.", {{"rule", rule}});
    return made;
}

}  // namespace

rule_book::rule_book(rules in_force, metrics::registry& into)
{
    rules_.reserve(in_force.size());
    for (auto& one : in_force) {
        auto count = counters_of(one.name, into);
        std::string policy{policy_field(one)};
        rules_.push_back({.by = std::move(one), .count = count, .policy = std::move(policy)});
    }
    for (const auto& one : rules_) by_name_.emplace(one.by.name, &one);
}

const listed_rule* rule_book::find(std::string_view name) const noexcept
{
    const auto found = by_name_.find(name);
    return found == by_name_.end() ? nullptr : found->second;
}

}  // namespace shoal::limiter
