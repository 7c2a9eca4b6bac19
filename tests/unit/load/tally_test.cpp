#include "tests/load/domain/tally.hpp"

#include <catch2/catch.hpp>

#include <nlohmann/json.hpp>

#include "tests/load/domain/command_line.hpp"
#include "tests/load/domain/report.hpp"
#include "tests/support/dice.hpp"

using namespace shoal::load;
using namespace std::chrono_literals;

namespace {

options asked(std::vector<const char*> more = {})
{
    std::vector<const char*> words{"shoal-load", "--url", "http://127.0.0.1:80/{key}"};
    words.insert(words.end(), more.begin(), more.end());
    return *parse_command_line(static_cast<int>(words.size()), words.data(), 1);
}

outcome answered_after(std::chrono::nanoseconds intended, std::chrono::nanoseconds latency, unsigned status = 200)
{
    return {.status = status, .intended = intended, .sent = intended, .done = intended + latency};
}

nlohmann::json json_of(const tally& counted, const options& wanted)
{
    const checks none{wanted.checks, 10};
    return nlohmann::json::parse(to_json({.asked = wanted, .tally = counted, .checks = none, .took = 10s}));
}

}  // namespace

TEST_CASE("tally: every request has one fate, and every sum says so", "[load]")
{
    constexpr std::uint64_t seed = 99;
    INFO("seed " << seed);
    shoal::test::fast_dice dice{seed};
    tally counted{10s};
    counted.add_step({arrival_rate{100'000}, 5s}, 0s);
    counted.add_step({arrival_rate{200'000}, 5s}, 5s);
    for (int i = 0; i < 10'000; ++i) {
        const auto at = std::chrono::nanoseconds{dice.between(0, 9'999'999'999)};
        outcome one = answered_after(at, std::chrono::nanoseconds{dice.between(0, 1'000'000'000)});
        one.how = static_cast<fate>(dice.below(fates));
        one.step = at < 5s ? 0 : 1;
        counted.add(one);
    }
    CHECK(counted.all().requests() == 10'000);
    CHECK(counted.steps()[0].requests() + counted.steps()[1].requests() == 10'000);
    std::uint64_t in_intervals = 0;
    for (const auto& one : counted.timeline()) in_intervals += one ? one->requests() : 0;
    CHECK(in_intervals == 10'000);

    const auto json = json_of(counted, asked());
    std::uint64_t by_fate = 0;
    for (const auto& count : json["fates"]) by_fate += count.get<std::uint64_t>();
    CHECK(by_fate == json["requests"]);
    CHECK(json["errors"] == by_fate - json["fates"]["ok"].get<std::uint64_t>());
    CHECK(json["fates"].size() == fates);
}

TEST_CASE("tally: one that was given up counts with the time it waited, one that was refused does not", "[load]")
{
    tally counted{10s};
    counted.add_step({arrival_rate{1000}, 10s}, 0s);
    outcome one = answered_after(1s, 5s);
    for (const fate how : {fate::timeout, fate::waited_too_long}) {
        one.how = how;
        counted.add(one);
    }
    for (const fate how : {fate::connect_failed, fate::reset, fate::queue_full, fate::stopped}) {
        one.how = how;
        counted.add(one);
    }
    CHECK(counted.all().latency.count() == 2);
    CHECK(counted.all().latency.largest() == 5s);
}

TEST_CASE("tally: a stall is where the requests were due, the answers where they came", "[load]")
{
    tally counted{10s};
    counted.add_step({arrival_rate{1000}, 10s}, 0s);
    REQUIRE(counted.width() == 250ms);
    counted.add(answered_after(1s, 1500ms));
    REQUIRE(counted.timeline().size() == 11);
    CHECK(counted.timeline()[4]->latency.largest() == 1500ms);
    CHECK(counted.timeline()[4]->answered_here == 0);
    CHECK(counted.timeline()[10]->answered_here == 1);
    CHECK(counted.timeline()[10]->requests() == 0);
    CHECK_FALSE(counted.timeline()[5]);
}

TEST_CASE("tally: memory is bounded whatever comes", "[load]")
{
    tally counted{1s};
    counted.add_step({arrival_rate{1000}, 1s}, 0s);
    for (unsigned i = 0; i < 5000; ++i) {
        outcome one = answered_after(i * 1min, 1ms, 100 + i % 900);
        one.worker = counted.worker_index("worker-" + std::to_string(i));
        const std::string said = "problem " + std::to_string(i);
        one.detail = said;
        counted.add(one);
    }
    CHECK(counted.timeline().size() <= 1000);
    CHECK(counted.workers().size() <= 1001);
    CHECK(counted.workers().back() == "others");
    CHECK(counted.details().size() <= 33);
    CHECK(counted.details().at("others") > 4000);
    CHECK(counted.by_status().size() <= 65);
    CHECK(counted.all().requests() == 5000);
    CHECK(tally{24h}.width() * 240 >= 24h);
}

TEST_CASE("report: the JSON says how long requests took, in milliseconds", "[load]")
{
    tally counted{10s};
    counted.add_step({arrival_rate{100'000}, 10s}, 0s);
    for (int i = 1; i <= 1000; ++i) counted.add(answered_after(i * 10ms - 10ms, i * 1ms));
    const auto json = json_of(counted, asked({"--rate", "100"}));
    CHECK(json["requests"] == 1000);
    CHECK(json["rate"] == 100.0);
    CHECK(json["rate_wanted"] == 100.0);
    CHECK(json["latency_ms"]["p50"].get<double>() == Approx(500).epsilon(0.004));
    CHECK(json["latency_ms"]["p99"].get<double>() == Approx(990).epsilon(0.004));
    CHECK(json["latency_ms"]["max"] == 1000.0);
    CHECK(json["statuses"]["200"]["requests"] == 1000);
    CHECK(json["distribution"].back() == nlohmann::json::array({1.0, 1000.0}));
    std::uint64_t in_bars = 0;
    for (const auto& bar : json["histogram"]) in_bars += bar[2].get<std::uint64_t>();
    CHECK(in_bars == 1000);
}

TEST_CASE("report: the table names what went wrong, how often, and what of it was the generator", "[load]")
{
    tally counted{10s};
    counted.add_step({arrival_rate{100'000}, 10s}, 0s);
    outcome one = answered_after(0s, 1ms);
    one.how = fate::connect_failed;
    one.detail = "Connection refused";
    counted.add(one);
    counted.add_lateness(0, 80ms);
    const auto wanted = asked();
    const checks none{wanted.checks, 10};
    const auto table = to_table({.asked = wanted, .tally = counted, .checks = none, .took = 10s});
    CHECK(table.find("connect_failed                 1") != std::string::npos);
    CHECK(table.find("1 times connect_failed: Connection refused") != std::string::npos);
    CHECK(table.find("up to 80.0 ms late") != std::string::npos);
}

TEST_CASE("report: a search is late only where the rate that it found was", "[load]")
{
    const auto wanted = asked({"--find-max", "--slo", "p99=5ms"});
    const checks none{wanted.checks, 10};
    for (const bool late_at_found : {false, true}) {
        tally counted{10s};
        counted.add_step({arrival_rate{100'000}, 1s}, 0s);
        counted.add_step({arrival_rate{200'000}, 1s}, 1s);
        counted.add_lateness(late_at_found ? 0 : 1, 80ms);
        const report done{
            .asked = wanted,
            .tally = counted,
            .checks = none,
            .took = 2s,
            .knee = knee_result{.found = arrival_rate{100'000}, .reached_most = false, .met = {true, false}}};
        CHECK(generator_was_late(done) == late_at_found);
    }
}
