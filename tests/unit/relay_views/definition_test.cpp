// Views as an operator writes them.

#include "services/relay/views/definition.hpp"

#include <string>

#include <catch2/catch.hpp>

#include "common/config/reader.hpp"

using namespace shoal;
using namespace shoal::relay;

namespace {

view_definitions read(const nlohmann::json& views, std::string& problems_text)
{
    config::problems problems{"test"};
    const nlohmann::json section{{"views", views}};
    config::object from{section, "$", problems};
    auto made = read_views(from);
    problems_text = problems.text();
    return made;
}

nlohmann::json product()
{
    return {{"name", "product"},
            {"kind", "document"},
            {"key", {"id"}},
            {"query", "SELECT * FROM product;\n"},
            {"changed_by", {{{"table", "product"}, {"key", {"id"}}}}}};
}

std::string problem_of(const nlohmann::json& view)
{
    std::string problems;
    (void)read(nlohmann::json::array({view}), problems);
    return problems;
}

}  // namespace

TEST_CASE("view definitions: one is read as it is written, and shown with its defaults", "[relay]")
{
    std::string problems;
    const auto made = read(nlohmann::json::array({product()}), problems);
    REQUIRE(problems.empty());
    REQUIRE(made.size() == 1);
    CHECK(made[0].query == "SELECT * FROM product");
    CHECK(made[0].changed_by[0].most_rows == 10'000);
    CHECK(made[0].changed_by[0].table == table_name{"public", "product"});
    auto other = made[0];
    other.changed_by[0].most_rows = 9;
    CHECK(view_digest(other) != view_digest(made[0]));
    const auto again = read(nlohmann::json::array({to_json(made[0])}), problems);
    REQUIRE(problems.empty());
    CHECK(again == made);
}

TEST_CASE("view definitions: what is wrong is said where it is", "[relay]")
{
    const auto with = [](const char* field, nlohmann::json value) {
        auto view = product();
        view[field] = std::move(value);
        return problem_of(view);
    };
    CHECK(with("name", "Odd").find("name") != std::string::npos);
    CHECK(with("kind", "list").find("kind") != std::string::npos);
    CHECK(with("kind", "set").find("member") != std::string::npos);
    CHECK(with("member", "id").find("member") != std::string::npos);
    CHECK(with("score", "id").find("score") != std::string::npos);
    CHECK(with("key", nlohmann::json::array()).find("key") != std::string::npos);
    CHECK(with("query", " ;").find("query") != std::string::npos);
    CHECK(with("changed_by", nlohmann::json::array()).find("changed_by") != std::string::npos);
    CHECK(with("changed_by", {{{"table", "product"}}}).find("key") != std::string::npos);
    CHECK(with("changed_by", {{{"table", "product"}, {"key", {"a", "b"}}}}).find("1 columns") != std::string::npos);
    CHECK(with("changed_by", {{{"table", "product"}, {"all", true}, {"key", {"id"}}}}).find("key") !=
          std::string::npos);
    CHECK(with("typo", 1).find("typo") != std::string::npos);
    std::string problems;
    (void)read(nlohmann::json::array({product(), product()}), problems);
    CHECK(problems.find("another view") != std::string::npos);
}
