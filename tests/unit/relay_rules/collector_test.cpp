#include "services/relay/rules/collector.hpp"

#include <catch2/catch.hpp>

#include "tests/unit/relay_rules/samples.hpp"

using namespace shoal::relay;
using namespace shoal::relay::test;

namespace {

const auto full = make_relation({"id", "category", "status"}, 'f');

}  // namespace

TEST_CASE("collector: an insert purges the tags of its row, a delete those of the row before", "[relay]")
{
    bench of{R"({"table":"product","tags":["product:{id}","category:{category}"]})", full};
    of.add(inserted({"1", "5", "a"}));
    REQUIRE(of.take().hard == texts{"category:5", "product:1"});
    of.add(removed(old_row::full, {"2", "6", "a"}));
    const auto made = of.take();
    REQUIRE(made.hard == texts{"category:6", "product:2"});
    REQUIRE(made.soft.empty());
    REQUIRE(made.unknown == 0);
}

TEST_CASE("collector: a moved foreign key purges where it was and where it is", "[relay]")
{
    bench of{R"({"table":"product","tags":["product:{id}","category:{category}"]})", full};
    of.add(updated(old_row::full, {"1", "5", "a"}, {"1", "6", "a"}));
    REQUIRE(of.take().hard == texts{"category:5", "category:6", "product:1"});
}

TEST_CASE("collector: a column that is NULL makes no tag of its row", "[relay]")
{
    bench of{R"({"table":"product","tags":["category:{category}"]})", full};
    of.add(updated(old_row::full, {"1", "NULL", "a"}, {"1", "6", "a"}));
    of.add(inserted({"2", "NULL", "a"}));
    const auto made = of.take();
    REQUIRE(made.hard == texts{"category:6"});
    REQUIRE(made.unknown == 0);
    REQUIRE(made.rows == 2);
}

TEST_CASE("collector: a rule is about the operations that it names", "[relay]")
{
    const std::string on = GENERATE("insert", "update", "delete", "truncate");
    bench of{R"({"table":"product","tags":[")" + on + R"(:{id}"],"on":[")" + on + R"("]})", full};
    of.add(inserted({"1", "5", "a"}));
    of.add(updated(old_row::full, {"2", "5", "a"}, {"2", "5", "b"}));
    of.add(removed(old_row::full, {"3", "5", "a"}));
    of.truncate();
    const std::string expected = on == "insert"   ? "insert:1"
                                 : on == "update" ? "update:2"
                                 : on == "delete" ? "delete:3"
                                                  : "table:public.product";
    REQUIRE(of.take().hard == texts{expected});
}

TEST_CASE("collector: TRUNCATE purges the table's tag and those without columns", "[relay]")
{
    bench of{R"({"table":"product","tags":["product:{id}","lists"],"table_tag":"product"})", full};
    of.truncate();
    const auto made = of.take();
    REQUIRE(made.hard == texts{"lists", "product"});
    REQUIRE(made.rows == 0);
}

TEST_CASE("collector: more rows than a rule may have collapse to the table's tag", "[relay]")
{
    bench of{R"({"table":"product","tags":["product:{id}","lists"],"most_rows":2},
                {"table":"product","tags":["p2:{id}"],"most_rows":3})",
             full};
    of.add(inserted({"1", "5", "a"}));
    of.add(inserted({"2", "5", "a"}));
    REQUIRE(of.take().hard == texts{"lists", "p2:1", "p2:2", "product:1", "product:2"});
    for (const char* const id : {"1", "2", "3"}) of.add(inserted({id, "5", "a"}));
    const auto made = of.take();
    REQUIRE(made.hard == texts{"lists", "p2:1", "p2:2", "p2:3", "table:public.product"});
    REQUIRE(made.rows == 3);
    REQUIRE(made.collapsed == 3);
}

TEST_CASE("collector: only rows that count for a rule make it collapse", "[relay]")
{
    bench of{R"({"table":"product","tags":["product:{id}"],"most_rows":1,"on":["insert"],
                "when":{"column":"status","in":["b"]}})",
             full};
    for (const char* const id : {"1", "2", "3"}) of.add(inserted({id, "5", "a"}));
    of.add(removed(old_row::full, {"4", "5", "b"}));
    of.add(inserted({"5", "5", "b"}));
    const auto made = of.take();
    REQUIRE(made.hard == texts{"product:5"});
    REQUIRE(made.rows == 5);
    REQUIRE(made.collapsed == 0);
}

TEST_CASE("collector: each transaction begins anew", "[relay]")
{
    bench of{R"({"table":"product","tags":["product:{id}"],"most_rows":1})", full};
    of.add(inserted({"1", "5", "a"}));
    of.add(inserted({"2", "5", "a"}));
    REQUIRE(of.take().collapsed == 2);
    of.add(inserted({"3", "5", "a"}));
    REQUIRE(of.take().hard == texts{"product:3"});
    of.add(inserted({"4", "5", "a"}));
    of.clear();
    const auto made = of.take();
    REQUIRE(made.hard.empty());
    REQUIRE(made.rows == 0);
}

TEST_CASE("collector: a tag that is both hard and soft is hard", "[relay]")
{
    bench of{R"({"table":"product","tags":["product:{id}"],"soft":true},
                {"table":"product","tags":["product:{id}"],"on":["delete"]})",
             full};
    of.add(inserted({"2", "5", "a"}));
    of.add(inserted({"1", "5", "a"}));
    of.add(removed(old_row::full, {"1", "5", "a"}));
    const auto made = of.take();
    REQUIRE(made.hard == texts{"product:1"});
    REQUIRE(made.soft == texts{"product:2"});
}

TEST_CASE("collector: a row that enters or leaves the filter counts, with its tags on that side", "[relay]")
{
    bench of{R"({"table":"product","tags":["{category}"],"when":{"column":"status","in":["b"]}})", full};
    of.add(updated(old_row::full, {"1", "old1", "a"}, {"1", "new1", "b"}));
    of.add(updated(old_row::full, {"2", "old2", "b"}, {"2", "new2", "a"}));
    of.add(updated(old_row::full, {"3", "old3", "a"}, {"3", "new3", "a"}));
    of.add(updated(old_row::full, {"4", "old4", "b"}, {"4", "new4", "b"}));
    of.add(removed(old_row::full, {"5", "old5", "a"}));
    REQUIRE(of.take().hard == texts{"new1", "new4", "old2", "old4"});
}

TEST_CASE("collector: a table without rules is not counted", "[relay]")
{
    bench of{R"({"table":"other","tags":["a"]})", full};
    of.add(inserted({"1", "5", "a"}));
    of.truncate();
    const auto made = of.take();
    REQUIRE(made.hard.empty());
    REQUIRE(made.rows == 0);
}

TEST_CASE("collector: a table that is altered in mid-transaction is read as it then is", "[relay]")
{
    bench of{R"({"table":"product","tags":["product:{id}"]})", full};
    of.add(inserted({"1", "5", "a"}));
    REQUIRE(of.alter(make_relation({"new", "id"}, 'f')).empty());
    of.add(inserted({"9", "2"}));
    REQUIRE(of.take().hard == texts{"product:1", "product:2"});
}

TEST_CASE("collector: a rule whose column is gone purges the table's tag", "[relay]")
{
    bench of{R"({"table":"product","tags":["product:{id}"],"on":["insert"]})", full};
    REQUIRE(of.alter(make_relation({"category"}, 'f')).size() == 1);
    of.add(removed(old_row::full, {"5"}));
    REQUIRE(of.take().hard.empty());
    of.add(inserted({"5"}));
    const auto made = of.take();
    REQUIRE(made.hard == texts{"table:public.product"});
    REQUIRE(made.unknown == 1);
}

TEST_CASE("collector: a tag that would be too long is the table's", "[relay]")
{
    bench of{R"({"table":"product","tags":["product:{id}"]})", full};
    const std::string name(longest_tag, 'x');
    of.add(inserted({name, "5", "a"}));
    const auto made = of.take();
    REQUIRE(made.hard == texts{"table:public.product"});
    REQUIRE(made.unknown == 1);
}

TEST_CASE("collector: a row with fewer values than its relation is not known", "[relay]")
{
    bench of{R"({"table":"product","tags":["{category}"]})", full};
    of.add(inserted({"1"}));
    of.add(removed(old_row::full, {}));
    const auto made = of.take();
    REQUIRE(made.hard == texts{"table:public.product"});
    REQUIRE(made.unknown == 2);
}
