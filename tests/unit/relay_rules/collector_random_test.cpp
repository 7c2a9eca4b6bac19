#include <random>

#include <catch2/catch.hpp>

#include "tests/unit/relay_rules/reference.hpp"
#include "tests/unit/relay_rules/samples.hpp"

using namespace shoal::relay;
using namespace shoal::relay::test;

namespace {

struct world {
    plain_table table;
    std::vector<plain_rule> rules;
    std::string json;
};

world any_world(shoal::test::fast_dice& dice)
{
    world made{.table = any_table(dice), .rules = {}, .json = {}};
    for (std::size_t i = 0; i <= dice.below(3); ++i) {
        made.rules.push_back(any_rule(made.table, dice));
        made.json += (made.json.empty() ? "" : ",") + made.rules.back().json();
    }
    return made;
}

std::vector<plain_change> any_transaction(const plain_table& of, shoal::test::fast_dice& dice)
{
    std::vector<plain_change> made;
    const std::size_t count = dice.below(12);
    while (made.size() < count) made.push_back(any_change(of, dice));
    return made;
}

void send(bench& to, const plain_table& table, const plain_change& one)
{
    if (!one.before && !one.now)
        to.truncate();
    else if (!one.before)
        to.add(insert{1, one.row_now(table)});
    else if (!one.now)
        to.add(shoal::relay::remove{1, one.sent(table), one.row_before(table)});
    else
        to.add(update{1, one.sent(table), one.row_before(table), one.row_now(table)});
}

texts sorted(const std::set<std::string>& from)
{
    return {from.begin(), from.end()};
}

bool has(const collected& in, const plain_rule& by, const std::string& tag)
{
    const auto found = [&](const texts& all) { return std::ranges::binary_search(all, tag); };
    return found(in.hard) || (by.soft && found(in.soft));
}

/// Whatever was sent: a tag of a row is purged, or its table's.
void require_nothing_missed(const world& of, const std::vector<plain_change>& changes, const collected& made)
{
    for (const auto& by : of.rules) {
        if (by.ignore || has(made, by, by.table_tag)) continue;
        for (const auto& one : changes)
            for (const auto& tag : true_tags(by, one)) {
                INFO("tag " << tag << " of " << by.json());
                REQUIRE(has(made, by, tag));
            }
    }
}

}  // namespace

TEST_CASE("collector: random transactions purge what the contract says, and miss nothing", "[relay]")
{
    const std::uint64_t seed = std::random_device{}();
    INFO("seed " << seed);
    shoal::test::fast_dice dice{seed};
    for (int run = 0; run < 300; ++run) {
        const world of = any_world(dice);
        bench by{of.json, of.table.as_relation()};
        for (int transaction = 0; transaction < 5; ++transaction) {
            const auto changes = any_transaction(of.table, dice);
            for (const auto& one : changes) send(by, of.table, one);
            const auto made = by.take();
            const auto wanted = expected(of.rules, of.table, changes);
            INFO("run " << run << ", transaction " << transaction << ", rules " << of.json);
            REQUIRE(made.hard == sorted(wanted.hard));
            REQUIRE(made.soft == sorted(wanted.soft));
            REQUIRE(made.unknown == wanted.unknown);
            REQUIRE(made.collapsed == wanted.collapsed);
            require_nothing_missed(of, changes, made);
        }
    }
}
