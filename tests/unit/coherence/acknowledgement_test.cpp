// When a purge may be acknowledged.

#include "common/coherence/acknowledgement.hpp"

#include <catch2/catch.hpp>

using namespace shoal;
using namespace shoal::coherence;
using namespace std::chrono_literals;

namespace {

using names = std::vector<std::string>;

constexpr boot_time start{1h};
constexpr lease_terms terms{1s, 20ms};
constexpr stamp purge{7, 5};

acknowledgement of_two(boot_time reports_count_from = start)
{
    return {purge, start, {{"aa", "7 4 10 cache-2"}, {"bb", "7 4 3 cache-1"}}, terms, reports_count_from};
}

}  // namespace

TEST_CASE("acknowledgement: it is over when every member has reported the purge's position", "[cache]")
{
    auto made = of_two();
    CHECK_FALSE(made.over(start));
    made.reported("aa", "7 5 11 cache-2");
    CHECK_FALSE(made.over(start));
    made.applied("bb", {7, 8});
    CHECK(made.over(start));
    CHECK(made.confirmed() == names{"cache-1", "cache-2"});
    CHECK(made.fenced().empty());
}

TEST_CASE("acknowledgement: what is not a report of this purge's epoch and position does not count", "[cache]")
{
    auto made = of_two();
    const std::string report = GENERATE("7 4 11 cache-2", "8 9 11 cache-2", "6 9 11 cache-2", "", "7", "7 5", "7 5 11",
                                        "x 5 11 cache-2", "7 -5 11 cache-2", "99999999999999999999 5 11 cache-2");
    CAPTURE(report);
    made.reported("bb", "7 5 4 cache-1");
    made.reported("cc", "7 5 1 cache-3");
    made.reported("aa", report);
    CHECK(made.awaited().size() == 1);
    CHECK_FALSE(made.over(start + 1019ms));
    CHECK(made.over(start + 1020ms));
    CHECK(made.confirmed() == names{"cache-1"});
    CHECK(made.fenced() == names{"cache-2"});
}

TEST_CASE("acknowledgement: reports do not count too soon after a new epoch", "[cache]")
{
    auto made = of_two(start + 300ms);
    CHECK(made.next_look(start) == start + 1020ms);
    made.reported("aa", "7 5 11 cache-2");
    made.reported("bb", "7 5 11 cache-1");
    CHECK(made.next_look(start) == start + 300ms);
    CHECK_FALSE(made.over(start + 299ms));
    CHECK(made.over(start + 300ms));

    // An epoch that is not known yet.
    acknowledgement alone{purge, start, {}, terms, boot_time::max()};
    CHECK_FALSE(alone.over(start + 1019ms));
    CHECK(alone.over(start + 1020ms));
    CHECK(alone.fenced().empty());
}

TEST_CASE("acknowledgement: a report is read as it was written", "[cache]")
{
    const member_report report{{1'763'822'000'123'456, 4'294'967'295}, 12, "a place with spaces"};
    const auto text = to_text(report);
    CHECK(text == "1763822000123456 4294967295 12 a place with spaces");
    const auto read = read_member_report(text);
    REQUIRE(read);
    CHECK(read->applied == report.applied);
    CHECK(read->renewals == report.renewals);
    CHECK(read->name == report.name);
}

TEST_CASE("acknowledgement: who is about to leave when the purge comes is not waited for", "[cache]")
{
    const member_report leaving{{purge.epoch, beyond_all}, 11, "cache-2"};
    acknowledgement made{purge, start, {{"aa", to_text(leaving)}, {"bb", "7 4 3 cache-1"}}, terms, start};
    CHECK(made.awaited().size() == 1);
    CHECK_FALSE(made.over(start));
    made.reported("bb", "7 5 4 cache-1");
    CHECK(made.over(start));
    CHECK(made.confirmed() == names{"cache-1", "cache-2"});
    // If it never gets as far, nobody else would take it off the list.
    REQUIRE(made.departed().size() == 1);
    CHECK(made.departed().front().incarnation == "aa");
}
