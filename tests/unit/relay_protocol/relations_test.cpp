// Which table a change is of.

#include "services/relay/protocol/relations.hpp"

#include <string>

#include <catch2/catch.hpp>

using namespace shoal;
using namespace shoal::relay;

namespace {

relation table(std::uint32_t id, std::size_t columns, std::string name = "product")
{
    relation made{id, "public", std::move(name), 'd', {}};
    for (std::size_t i = 0; i < columns; ++i) made.columns.push_back({std::to_string(i), 23, -1, i == 0});
    return made;
}

template <class Change>
bool is_refused(const relations& known, const Change& change)
{
    const auto made = known.table_of(change);
    return made.has_error() && made.error() == errc::database_malformed;
}

}  // namespace

TEST_CASE("relations: a table is found by its id", "[relay]")
{
    relations known;
    CHECK(known.find(7) == nullptr);
    REQUIRE(known.remember(table(7, 2)).has_value());
    REQUIRE(known.find(7) != nullptr);
    CHECK(*known.find(7) == table(7, 2));
    CHECK(known.find(8) == nullptr);
}

TEST_CASE("relations: the newest definition replaces the older one, where it was found before", "[relay]")
{
    relations known;
    REQUIRE(known.remember(table(7, 2)).has_value());
    const auto* const before = known.find(7);
    REQUIRE(known.remember(table(7, 3, "renamed")).has_value());
    CHECK(known.find(7) == before);
    CHECK(*before == table(7, 3, "renamed"));
    CHECK(known.size() == 1);
}

TEST_CASE("relations: the 10,001st table is an error, a new definition of a known one is not", "[relay]")
{
    relations known;
    for (std::uint32_t id = 1; id <= 10'000; ++id) REQUIRE(known.remember(table(id, 0)).has_value());
    const auto refused = known.remember(table(10'001, 0));
    REQUIRE(refused.has_error());
    CHECK(refused.error() == errc::too_many_relations);
    CHECK(known.find(10'001) == nullptr);
    CHECK(known.remember(table(10'000, 1)).has_value());
    CHECK(known.find(10'000)->columns.size() == 1);
}

TEST_CASE("relations: a change is of a table that was told of", "[relay]")
{
    relations known;
    REQUIRE(known.remember(table(7, 2)).has_value());
    CHECK(known.table_of(insert{7, row(2)}).value() == known.find(7));
    CHECK(known.table_of(update{7, old_row::none, {}, row(2)}).value() == known.find(7));
    CHECK(known.table_of(update{7, old_row::key, row(2), row(2)}).value() == known.find(7));
    CHECK(known.table_of(relay::remove{7, old_row::full, row(2)}).value() == known.find(7));
    CHECK(is_refused(known, insert{8, row(2)}));
    CHECK(is_refused(known, update{8, old_row::none, {}, row(2)}));
    CHECK(is_refused(known, relay::remove{8, old_row::full, row(2)}));
}

TEST_CASE("relations: each row that was sent has a value for each column", "[relay]")
{
    relations known;
    REQUIRE(known.remember(table(7, 2)).has_value());
    for (const std::size_t count : {0, 1, 3}) {
        CAPTURE(count);
        CHECK(is_refused(known, insert{7, row(count)}));
        CHECK(is_refused(known, update{7, old_row::none, {}, row(count)}));
        CHECK(is_refused(known, update{7, old_row::key, row(count), row(2)}));
        CHECK(is_refused(known, relay::remove{7, old_row::key, row(count)}));
    }
}
