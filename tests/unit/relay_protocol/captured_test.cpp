// The decoder read against PostgreSQL itself, not against an encoder of our own.

#include <string>
#include <string_view>
#include <variant>

#include <catch2/catch.hpp>

#include "common/core/text.hpp"
#include "services/relay/protocol/decoder.hpp"
#include "services/relay/protocol/relations.hpp"
#include "tests/unit/relay_protocol/captured.hpp"

using namespace shoal;
using namespace shoal::relay;

namespace {

std::string unhex(std::string_view hex)
{
    constexpr std::string_view placeholder{"<3000x>"};
    std::string made;
    while (!hex.empty()) {
        if (hex.starts_with(placeholder)) {
            made.append(3000, 'x');
            hex.remove_prefix(placeholder.size());
        } else {
            made += percent_decode("%" + std::string{hex.substr(0, 2)}).value();
            hex.remove_prefix(2);
        }
    }
    return made;
}

std::string bytes_of(std::string_view says)
{
    for (const auto& each : captured_messages) {
        if (each.says == says) return unhex(each.hex);
    }
    FAIL("nothing says " << says);
    return {};
}

std::string described(const value& what)
{
    if (what.is == value::kind::null) return "null";
    if (what.is == value::kind::unchanged) return "unchanged";
    return what.text.size() > 100 ? std::to_string(what.text.size()) + " bytes" : std::string{what.text};
}

std::string described(const row& values)
{
    std::string made;
    for (const auto& each : values) made += (made.empty() ? "" : ", ") + described(each);
    return "(" + made + ")";
}

std::string described(old_row kind, const row& before)
{
    if (kind == old_row::none) return "";
    return (kind == old_row::key ? " key " : " full ") + described(before);
}

struct describer {
    std::string operator()(const irrelevant&) const { return "irrelevant"; }
    std::string operator()(const begin& what) const
    {
        return "begin " + std::to_string(what.xid) + " " + format_lsn(what.final_position);
    }
    std::string operator()(const commit& what) const
    {
        return "commit " + format_lsn(what.position) + " " + format_lsn(what.end);
    }
    std::string operator()(const relation& what) const
    {
        std::string made =
            "table " + std::to_string(what.id) + " " + what.schema + "." + what.table + " " + what.identity;
        for (const auto& each : what.columns) made += " " + each.name + (each.key ? "*" : "");
        return made;
    }
    std::string operator()(const insert& what) const
    {
        return "insert " + std::to_string(what.relation) + " " + described(what.now);
    }
    std::string operator()(const update& what) const
    {
        return "update " + std::to_string(what.relation) + described(what.kind, what.before) + " " +
               described(what.now);
    }
    std::string operator()(const relay::remove& what) const
    {
        return "delete " + std::to_string(what.relation) + described(what.kind, what.before);
    }
    std::string operator()(const relay::truncate& what) const
    {
        std::string made = "truncate";
        for (const auto id : what.relations) made += " " + std::to_string(id);
        return made + (what.cascade ? " cascade" : "") + (what.restart_identity ? " restart" : "");
    }
    std::string operator()(const emitted& what) const
    {
        return "emitted " + format_lsn(what.position) + (what.transactional ? " of it " : " of none ") +
               std::string{what.prefix} + " " + std::string{what.content};
    }
};

/// Remembers tables, and whether a change is of one of them.
struct follower {
    relations known;

    bool operator()(const relation& what) { return known.remember(what).has_value(); }
    bool operator()(const insert& what) const { return known.table_of(what).has_value(); }
    bool operator()(const update& what) const { return known.table_of(what).has_value(); }
    bool operator()(const relay::remove& what) const { return known.table_of(what).has_value(); }
    template <class Other>
    bool operator()(const Other& /*what*/) const
    {
        return true;
    }
};

}  // namespace

TEST_CASE("pgoutput: what PostgreSQL 15 wrote says what had been done", "[relay]")
{
    follower tables;
    for (const auto& each : captured_messages) {
        CAPTURE(each.hex);
        const auto bytes = unhex(each.hex);
        const auto made = decode(bytes);
        REQUIRE(made.has_value());
        CHECK(std::visit(describer{}, *made) == each.says);
        CHECK(std::visit(tables, *made));
    }
    CHECK(tables.known.size() == 4);
}

TEST_CASE("pgoutput: types, modifiers and times are PostgreSQL's", "[relay]")
{
    const auto table = decode(bytes_of("table 16391 public.product d id* category_id name big price extra")).value();
    const auto& columns = std::get<relation>(table).columns;
    CHECK(columns[0] == column{"id", 23, -1, true});
    CHECK(columns[4] == column{"price", 1700, 0xA0006, false});
    CHECK(columns[5] == column{"extra", 1043, 24, false});

    constexpr std::int64_t twenty_years = 7'305LL * 86'400 * 1'000'000;
    CHECK(std::get<begin>(decode(bytes_of("begin 752 0/153E5D0")).value()).committed_at == twenty_years);
    CHECK(std::get<commit>(decode(bytes_of("commit 0/153E5D0 0/153E618")).value()).committed_at == twenty_years);
}
