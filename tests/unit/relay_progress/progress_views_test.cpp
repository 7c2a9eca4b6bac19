// How far views are: beside purges, and neither waits for the other.

#include "services/relay/progress/progress.hpp"

#include <string>
#include <vector>

#include <catch2/catch.hpp>

using namespace shoal::relay;

namespace {

snapshot seen(const std::string& text)
{
    const auto read = snapshot::parse(text);
    REQUIRE(read);
    return *read;
}

using texts = std::vector<std::string>;

texts marks(progress& of, const std::string& by)
{
    texts found;
    for (const auto* each : of.next_views(seen(by)).marks) found.insert(found.end(), each->begin(), each->end());
    return found;
}

void purge(progress& of)
{
    (void)of.next(1'000'000);
    of.written();
}

}  // namespace

TEST_CASE("progress: a transaction is done when it is purged and its views are written, in either order", "[relay]")
{
    progress of{50};
    of.received(7, 100, {"a", ""}, {"0:1"});
    CHECK(of.viewed() == 50);
    of.seen(seen("8:8:"));
    CHECK(of.views_wanted());
    purge(of);
    CHECK(of.purged() == 100);
    CHECK(of.viewed() == 50);
    CHECK(of.done() == 50);
    CHECK(marks(of, "8:8:") == texts{"0:1"});
    of.views_written();
    CHECK(of.viewed() == 100);
    CHECK(of.done() == 100);
    CHECK(of.bytes() == 0);

    of.received(8, 200, {"b", ""}, {"0:2"});
    CHECK(of.next_views(seen("9:9:")).viewed == 200);
    of.views_written();
    CHECK(of.viewed() == 200);
    CHECK(of.done() == 100);
    of.seen(seen("9:9:"));
    purge(of);
    CHECK(of.done() == 200);
}

TEST_CASE("progress: what a snapshot does not see is not written to views", "[relay]")
{
    progress of{50};
    of.received(7, 100, {}, {"0:1"});
    of.received(8, 200, {}, {"0:2"});
    CHECK_FALSE(of.views_wanted());
    CHECK(of.purged() == 200);
    const auto batch = of.next_views(seen("7:9:7"));
    REQUIRE(batch.marks.size() == 1);
    CHECK(*batch.marks[0] == texts{"0:2"});
    CHECK(batch.viewed == 50);
    of.views_written();
    CHECK(of.viewed() == 50);
    CHECK(of.views_caught_up(seen("7:9:7")));
    CHECK_FALSE(of.views_caught_up(seen("9:9:")));
    CHECK(marks(of, "9:9:") == texts{"0:1"});
    of.views_written();
    CHECK(of.done() == 200);
}

TEST_CASE("progress: views that were not written are written again, and what came meanwhile with them", "[relay]")
{
    progress of{50};
    of.received(7, 100, {}, {"0:1"});
    (void)marks(of, "8:8:");
    of.received(8, 200, {}, {"0:2"});
    of.views_not_written();
    CHECK(of.viewed() == 50);
    CHECK(marks(of, "9:9:") == texts{"0:1", "0:2"});
    of.received(9, 300, {}, {"0:3"});
    of.views_written();
    CHECK(of.viewed() == 200);
    CHECK(of.done() == 200);
}
