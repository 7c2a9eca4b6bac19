// What a rule makes of changes that PostgreSQL sends without some of their values.

#include <catch2/catch.hpp>

#include "services/relay/rules/change.hpp"
#include "tests/unit/relay_rules/samples.hpp"

using namespace shoal::relay;
using namespace shoal::relay::test;

namespace {

const auto keyed = make_relation({"*id", "category", "status"});
const std::string by_id = R"({"table":"product","tags":["product:{id}"]})";
const std::string by_category = R"({"table":"product","tags":["category:{category}","product:{id}"]})";
const std::string never_changes =
    R"({"table":"product","tags":["category:{category}","product:{id}"],"old_values":"ignore"})";

}  // namespace

TEST_CASE("old values: without an old row the key is what it was", "[relay]")
{
    bench of{by_id, keyed};
    of.add(updated(old_row::none, {}, {"1", "5", "a"}));
    const auto made = of.take();
    REQUIRE(made.hard == texts{"product:1"});
    REQUIRE(made.unknown == 0);
}

TEST_CASE("old values: a changed key comes with the old one", "[relay]")
{
    bench of{by_id, keyed};
    of.add(updated(old_row::key, {"1", "NULL", "NULL"}, {"2", "5", "a"}));
    REQUIRE(of.take().hard == texts{"product:1", "product:2"});
}

TEST_CASE("old values: where one is needed and was not sent, the table's tag stands in", "[relay]")
{
    bench of{by_category, keyed};
    of.add(updated(old_row::none, {}, {"1", "5", "a"}));
    auto made = of.take();
    REQUIRE(made.hard == texts{"category:5", "product:1", "table:public.product"});
    REQUIRE(made.unknown == 1);
    of.add(updated(old_row::key, {"1", "NULL", "NULL"}, {"2", "5", "a"}));
    made = of.take();
    REQUIRE(made.hard == texts{"category:5", "product:1", "product:2", "table:public.product"});
    of.add(removed(old_row::key, {"1", "NULL", "NULL"}));
    made = of.take();
    REQUIRE(made.hard == texts{"product:1", "table:public.product"});
    REQUIRE(made.unknown == 1);
}

TEST_CASE("old values: a change is counted once, however many rules lack something", "[relay]")
{
    bench of{by_category + "," + by_category, keyed};
    of.add(updated(old_row::none, {}, {"1", "5", "a"}));
    REQUIRE(of.take().unknown == 1);
}

TEST_CASE("old values: a column that never changes is the new one", "[relay]")
{
    bench of{never_changes, keyed};
    of.add(updated(old_row::key, {"1", "NULL", "NULL"}, {"2", "5", "a"}));
    const auto made = of.take();
    REQUIRE(made.hard == texts{"category:5", "product:1", "product:2"});
    REQUIRE(made.unknown == 0);
}

TEST_CASE("old values: a delete has no new row to take a column that never changes from", "[relay]")
{
    bench of{never_changes, keyed};
    of.add(removed(old_row::key, {"1", "NULL", "NULL"}));
    const auto made = of.take();
    REQUIRE(made.hard == texts{"product:1", "table:public.product"});
    REQUIRE(made.unknown == 1);
}

TEST_CASE("old values: an old row whose filter column was not sent counts as inside", "[relay]")
{
    bench of{R"({"table":"product","tags":["product:{id}"],"when":{"column":"status","in":["b"]}})", keyed};
    of.add(updated(old_row::none, {}, {"1", "5", "a"}));
    of.add(removed(old_row::key, {"2", "NULL", "NULL"}));
    of.add(inserted({"3", "5", "a"}));
    const auto made = of.take();
    REQUIRE(made.hard == texts{"product:1", "product:2"});
    REQUIRE(made.unknown == 0);
}

TEST_CASE("old values: the filter column may change also where those of the tags never do", "[relay]")
{
    bench of{R"({"table":"product","tags":["c:{category}"],"old_values":"ignore",
                 "when":{"column":"status","in":["b"]}})",
             keyed};
    of.add(updated(old_row::none, {}, {"1", "5", "a"}));
    REQUIRE(of.take().hard == texts{"c:5"});
}

TEST_CASE("old values: a TOASTed value that stayed is taken from the old row", "[relay]")
{
    bench of{by_category, make_relation({"id", "category", "status"}, 'f')};
    of.add(updated(old_row::full, {"1", "5", "a"}, {"1", "TOAST", "b"}));
    const auto made = of.take();
    REQUIRE(made.hard == texts{"category:5", "product:1"});
    REQUIRE(made.unknown == 0);
}

TEST_CASE("old values: a TOASTed value that stayed and was not sent is not known", "[relay]")
{
    const auto rules = GENERATE_COPY(as<std::string>{}, by_category, never_changes);
    bench of{rules, keyed};
    of.add(updated(old_row::none, {}, {"1", "TOAST", "b"}));
    const auto made = of.take();
    REQUIRE(made.hard == texts{"product:1", "table:public.product"});
    REQUIRE(made.unknown == 1);
}

TEST_CASE("old values: a TOASTed key is known only where the old key was sent", "[relay]")
{
    const auto two_keys = make_relation({"*id", "*category", "status"});
    bench of{by_category, two_keys};
    of.add(updated(old_row::key, {"1", "5", "NULL"}, {"2", "TOAST", "b"}));
    REQUIRE(of.take().hard == texts{"category:5", "product:1", "product:2"});
    of.add(updated(old_row::none, {}, {"1", "TOAST", "b"}));
    REQUIRE(of.take().unknown == 1);
}

TEST_CASE("old values: a NULL beside what is not known is enough for there to be no tag", "[relay]")
{
    bench of{R"({"table":"product","tags":["{category}:{id}"]})", make_relation({"*id", "category"})};
    of.add(updated(old_row::key, {"NULL", "NULL"}, {"NULL", "5"}));
    const auto made = of.take();
    REQUIRE(made.hard.empty());
    REQUIRE(made.unknown == 0);
}

TEST_CASE("old values: nothing is known of an old row that a full identity did not send", "[relay]")
{
    bench of{by_id, make_relation({"id", "category", "status"}, 'f')};
    of.add(updated(old_row::none, {}, {"1", "5", "a"}));
    of.add(removed(old_row::none, {}));
    const auto made = of.take();
    REQUIRE(made.hard == texts{"product:1", "table:public.product"});
    REQUIRE(made.unknown == 2);
}

TEST_CASE("old values: other columns of an old key are not NULL but unknown", "[relay]")
{
    const auto by = updated(old_row::key, {"1", "NULL"}, {"2", "5"});
    const auto of = make_relation({"*id", "category"});
    const auto one = change_of(of, by);
    REQUIRE(old_value(one, 0)->text == "1");
    REQUIRE_FALSE(old_value(one, 1));
    REQUIRE(new_value(one, 1)->text == "5");
    REQUIRE_FALSE(new_value(one, 2));
}
