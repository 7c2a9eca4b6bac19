#pragma once
// A table that changes at random, what PostgreSQL would send of it, and which tags the contract then asks for: written
// by names and whole rows, with nothing of the code under test.

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "services/relay/protocol/messages.hpp"
#include "tests/support/dice.hpp"

namespace shoal::relay::test {

/// NULL is nothing.
using cell = std::optional<std::string>;
using record = std::map<std::string, cell>;

/// A literal and then, unless it is empty, a column.
struct hole {
    std::string literal;
    std::string column;
};

struct plain_rule {
    std::vector<std::vector<hole>> tags;
    bool insert = true;
    bool update = true;
    bool remove = true;
    bool truncate = true;
    /// None where `column` is empty.
    std::string filter_column;
    std::string filter_test;
    std::set<std::string> filter_texts;
    bool soft = false;
    bool ignore = false;
    std::uint64_t most_rows = 0;
    std::string table_tag;

    [[nodiscard]] std::string json() const;
    [[nodiscard]] bool is_inside(const std::optional<cell>& of) const;
};

struct plain_table {
    std::vector<std::string> columns;
    std::set<std::string> keys;
    /// TOASTed: not sent by an update that leaves it as it was. None of the keys.
    std::set<std::string> large;
    bool full = false;

    [[nodiscard]] relation as_relation() const;
};

/// One row before, one after, or both; neither for TRUNCATE.
struct plain_change {
    std::optional<record> before;
    std::optional<record> now;

    [[nodiscard]] old_row sent(const plain_table& of) const;
    /// As it was sent; points into this change.
    [[nodiscard]] row row_before(const plain_table& of) const;
    [[nodiscard]] row row_now(const plain_table& of) const;
};

struct plain_tags {
    std::set<std::string> hard;
    std::set<std::string> soft;
    std::uint64_t unknown = 0;
    std::uint64_t collapsed = 0;
};

[[nodiscard]] plain_table any_table(shoal::test::fast_dice& dice);
[[nodiscard]] plain_rule any_rule(const plain_table& of, shoal::test::fast_dice& dice);
[[nodiscard]] plain_change any_change(const plain_table& of, shoal::test::fast_dice& dice);

/// By the contract, from what was sent.
[[nodiscard]] plain_tags expected(const std::vector<plain_rule>& rules, const plain_table& of,
                                  const std::vector<plain_change>& changes);

/// Every tag of a change's rows as they truly were, sent or not.
[[nodiscard]] std::set<std::string> true_tags(const plain_rule& by, const plain_change& of);

}  // namespace shoal::relay::test
