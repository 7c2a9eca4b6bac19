#include "tests/unit/relay_rules/samples.hpp"

#include <utility>

#include "common/config/reader.hpp"

#include <catch2/catch.hpp>

namespace shoal::relay::test {

outcome read(const std::string& section)
{
    const auto json = nlohmann::json::parse(section);
    config::problems problems{"shoal.json"};
    config::object from{json, "$.services.relay", problems};
    auto made = read_rules(from);
    return {std::move(made), problems.text()};
}

rule one_rule(const std::string& json)
{
    auto [made, problems] = read(R"({"rules":[)" + json + "]}");
    REQUIRE(problems.empty());
    REQUIRE(made.size() == 1);
    return std::move(made.front());
}

relation make_relation(const std::vector<std::string>& columns, char identity, std::string table)
{
    relation made{.id = 1, .schema = "public", .table = std::move(table), .identity = identity, .columns = {}};
    for (const auto& name : columns) {
        const bool key = name.starts_with('*');
        made.columns.push_back({.name = key ? name.substr(1) : name, .type = 25, .key = key || identity == 'f'});
    }
    return made;
}

row make_row(const std::vector<std::string_view>& written)
{
    row made;
    for (const auto text : written) {
        if (text == "NULL")
            made.push_back({value::kind::null});
        else if (text == "TOAST")
            made.push_back({value::kind::unchanged});
        else
            made.push_back({value::kind::text, text});
    }
    return made;
}

update updated(old_row kind, const std::vector<std::string_view>& before, const std::vector<std::string_view>& now)
{
    return {1, kind, make_row(before), make_row(now)};
}

bench::bench(const std::string& rules_json, relation with) : table_{std::move(with)}
{
    auto [made, problems] = read(R"({"rules":[)" + rules_json + "]}");
    REQUIRE(problems.empty());
    rules_ = std::move(made);
    static_cast<void>(tables_.bind(table_));
    collector_.emplace(tables_);
}

std::vector<std::string> bench::alter(relation to)
{
    table_ = std::move(to);
    return tables_.bind(table_);
}

}  // namespace shoal::relay::test
