// The clock, the incarnation and the errors of a process.

#include "common/core/clock.hpp"
#include "common/core/error.hpp"
#include "common/core/incarnation.hpp"

#include <catch2/catch.hpp>

#include <time.h>

#include <set>
#include <string>

using namespace shoal;

TEST_CASE("boot_clock: is CLOCK_BOOTTIME in nanoseconds and never steps back", "[core]")
{
    const auto kernel = [] {
        timespec now{};
        clock_gettime(CLOCK_BOOTTIME, &now);
        return boot_time{std::chrono::seconds{now.tv_sec} + std::chrono::nanoseconds{now.tv_nsec}};
    };
    boot_time last = kernel();
    for (int i = 0; i < 1000; ++i) {
        const boot_time read = boot_clock::now();
        REQUIRE(read >= last);
        last = read;
    }
    CHECK(kernel() >= last);
    CHECK(boot_clock::is_steady);
}

TEST_CASE("random_incarnation: 32 lower-case hexadecimal digits, never the same twice", "[core]")
{
    std::set<std::string> seen;
    for (int i = 0; i < 1000; ++i) {
        const std::string drawn = random_incarnation();
        REQUIRE(drawn.size() == 32);
        REQUIRE(drawn.find_first_not_of("0123456789abcdef") == std::string::npos);
        seen.insert(drawn);
    }
    CHECK(seen.size() == 1000);
}

TEST_CASE("errc: is an error_code of the one category, with a sentence of its own for each", "[core]")
{
    std::set<std::string> sentences;
    for (const errc code :
         {errc::redis_unavailable, errc::redis_outcome_unknown, errc::redis_error_reply, errc::redis_unexpected_reply,
          errc::deadline_exceeded, errc::database_malformed, errc::too_many_relations}) {
        const boost::system::error_code made = code;
        CHECK(made.failed());
        CHECK(made == code);
        CHECK(made.category() == shoal_category());
        CHECK(made.message() != "unknown error");
        sentences.insert(made.message());
    }
    CHECK(sentences.size() == 7);
    CHECK(std::string{shoal_category().name()} == "shoal");
    CHECK(shoal_category().message(999) == "unknown error");
}

TEST_CASE("errc: never sent and may have run are two errors", "[core]")
{
    CHECK(make_error_code(errc::redis_unavailable) != make_error_code(errc::redis_outcome_unknown));
    const result<int> failed = errc::redis_unavailable;
    REQUIRE(failed.has_error());
    CHECK(failed.error() == errc::redis_unavailable);
}
