#include <catch2/catch.hpp>

#include "services/relay/setup/report.hpp"

using namespace shoal::relay;

namespace {

const found of_database{.what = {severity::warn, "no slot", "SELECT 1;", true}};
const found of_rule{.rule = 2, .table = {"public", "Tab\x1b"}, .what = {severity::refuse, "bad", "ONE;\nTWO;"}};

}  // namespace

TEST_CASE("report: a finding is a block with its SQL indented", "[relay]")
{
    REQUIRE(to_text(of_database) == "warning: no slot\n    SELECT 1;\n    'scripts/fleet relay setup' does that.\n");
}

TEST_CASE("report: a rule is named by its place and its table, and no byte commands a terminal", "[relay]")
{
    REQUIRE(to_text(of_rule) == "refused: rules[2], public.\"Tab\\x1b\": bad\n    ONE;\n    TWO;\n");
}

TEST_CASE("report: machines get every finding, and whether anything is refused", "[relay]")
{
    REQUIRE(to_json(std::vector<found>{}) == nlohmann::json{{"ok", true}, {"findings", nlohmann::json::array()}});
    REQUIRE(to_json(std::vector{of_database})["ok"] == true);
    const auto made = to_json(std::vector{of_database, of_rule});
    REQUIRE(made["ok"] == false);
    REQUIRE(
        made["findings"][0] ==
        nlohmann::json{
            {"rule", nullptr}, {"table", nullptr}, {"severity", "warn"}, {"text", "no slot"}, {"sql", "SELECT 1;"}});
    REQUIRE(made["findings"][1]["rule"] == 2);
    REQUIRE(made["findings"][1]["severity"] == "refuse");
    REQUIRE(made["findings"][1]["table"] == "public.\"Tab\x1b\"");
}
