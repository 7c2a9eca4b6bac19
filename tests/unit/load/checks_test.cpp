#include "tests/load/domain/checks.hpp"

#include <catch2/catch.hpp>

using namespace shoal::load;
using namespace std::chrono_literals;

namespace {

/// Answers to requests for some of ten keys, one after the other.
class judged {
public:
    explicit judged(check_options options) : checks_{std::move(options), 10} {}

    fate operator()(answer_view answer, std::uint32_t key = 0)
    {
        return checks_.judge(answer, {keys_, key, 7}, checks_.newest(key));
    }
    fate sent_when(std::uint64_t newest, const answer_view& answer)
    {
        return checks_.judge(answer, {keys_, 0, 7}, newest);
    }
    checks& all() { return checks_; }

private:
    keys keys_{parse_keys("uniform:10"), 1};
    checks checks_;
};

answer_view ok(std::string_view body = {}, std::uint16_t worker = 0)
{
    return {.status = 200, .body = body, .worker = worker};
}

/// An answer of 200 that was sent and came at these times.
answer_view admitted(std::chrono::nanoseconds sent, std::chrono::nanoseconds done)
{
    return {.status = 200, .sent = sent, .done = done};
}

}  // namespace

TEST_CASE("checks: what is below 400 is right unless statuses are named", "[load]")
{
    judged any{{}};
    CHECK(any({.status = 204}) == fate::ok);
    CHECK(any({.status = 304}) == fate::ok);
    CHECK(any({.status = 404}) == fate::wrong_status);
    CHECK(any({.status = 101}) == fate::wrong_status);
    judged some{{.statuses = {{200, 200}, {429, 431}}}};
    CHECK(some({.status = 430}) == fate::ok);
    CHECK(some({.status = 201}) == fate::wrong_status);
}

TEST_CASE("checks: the body must have the text that is expected for its key", "[load]")
{
    judged check{{.body = "value of {key}, {n}"}};
    CHECK(check.all().wants_body());
    CHECK(check(ok("the value of key-3, 7."), 2) == fate::ok);
    CHECK(check(ok("the value of key-2, 7."), 2) == fate::wrong_body);
    CHECK(check(ok(""), 2) == fate::wrong_body);
    CHECK_FALSE(judged{{}}.all().wants_body());
}

TEST_CASE("checks: a key that changes its worker is seen once, where that matters", "[load]")
{
    judged check{{.owner = true}};
    CHECK(check(ok({}, 1), 3) == fate::ok);
    CHECK(check(ok({}, 2), 4) == fate::ok);
    CHECK(check(ok({}, 1), 3) == fate::ok);
    CHECK(check(ok({}, 2), 3) == fate::wrong_owner);
    CHECK(check(ok({}, 2), 3) == fate::ok);
    CHECK(check(ok({}, 0), 3) == fate::wrong_owner);
    CHECK(check.all().owner_changes() == 1);
    CHECK(check.all().keys_by_worker() == std::vector<std::uint32_t>{0, 0, 2});

    judged indifferent{{}};
    CHECK(indifferent(ok({}, 1)) == fate::ok);
    CHECK(indifferent(ok({}, 2)) == fate::ok);
    CHECK(indifferent.all().owner_changes() == 1);
}

TEST_CASE("checks: a body older than what was there when the request was sent is stale", "[load]")
{
    judged check{{.version_mark = "version="}};
    CHECK(check(ok("version=5")) == fate::ok);
    CHECK(check(ok("version= 6 of it")) == fate::ok);
    CHECK(check(ok("version=5")) == fate::stale);
    CHECK(check(ok("version=5"), 1) == fate::ok);
    CHECK(check(ok("no number: version=x")) == fate::wrong_body);
    // One that was sent before 6 was seen may still bring 5: they met on the way.
    CHECK(check.sent_when(5, ok("version=5")) == fate::ok);
    CHECK(check.all().newest(0) == 6);

    judged field{{.version_mark = "X-Version:"}};
    CHECK_FALSE(field.all().wants_body());
    CHECK(field({.status = 200, .version_field = "9"}) == fate::ok);
    CHECK(field({.status = 200, .version_field = "8"}) == fate::stale);
    CHECK(field({.status = 200}) == fate::wrong_body);
}

TEST_CASE("checks: a rule may admit its burst at once, and no more", "[load]")
{
    judged check{{.statuses = {{200, 200}, {429, 429}}, .admissions = admission_bound{10, 60s, 3}}};
    for (int i = 0; i < 3; ++i) CHECK(check(admitted(1s, 1s)) == fate::ok);
    CHECK(check({.status = 429, .sent = 1s, .done = 1s}) == fate::ok);
    CHECK(check(admitted(1s, 1s)) == fate::over_admitted);
    CHECK(check(admitted(1s, 1s), 1) == fate::ok);
}

TEST_CASE("checks: what a rule refills may be admitted as well", "[load]")
{
    judged check{{.admissions = admission_bound{10, 1s, 2}}};
    CHECK(check(admitted(0s, 0s)) == fate::ok);
    for (int i = 0; i < 1000; ++i) REQUIRE(check(admitted(i * 100ms, i * 100ms)) == fate::ok);
    CHECK(check(admitted(99'900ms, 99'900ms)) == fate::over_admitted);
    // Long after, all of the burst is there again, and no more than that.
    CHECK(check(admitted(500s, 500s)) == fate::ok);
    CHECK(check(admitted(500s, 500s)) == fate::ok);
    CHECK(check(admitted(500s, 500s)) == fate::over_admitted);
}

TEST_CASE("checks: admissions that only may have been too many are no proof", "[load]")
{
    judged check{{.admissions = admission_bound{10, 1s, 1}}};
    // Two answers at one time, but the first may have been admitted up to 100 ms earlier: just enough for one more.
    CHECK(check(admitted(0ms, 100ms)) == fate::ok);
    CHECK(check(admitted(50ms, 100ms)) == fate::ok);
    CHECK(check(admitted(50ms, 100ms)) == fate::over_admitted);
}
