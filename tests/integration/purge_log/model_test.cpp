// The purge log's scripts do what the simulation's model of them does.

#include <algorithm>
#include <random>

#include <catch2/catch.hpp>

#include "common/coherence/purge_table.hpp"
#include "tests/integration/purge_log/fleet.hpp"
#include "tests/support/dice.hpp"
#include "tests/support/purge_redis_model.hpp"

using namespace shoal;
using namespace shoal::coherence;
using namespace shoal::test;
using namespace std::chrono_literals;

namespace {

/// The connection of a worker that has left, and the model beside it.
class pair_of_logs {
public:
    explicit pair_of_logs(std::uint64_t seed);

    void step();
    void compare();

private:
    void read_run();
    void lose();
    void ask_head(std::uint64_t known);
    void purge_both(std::uint64_t known);
    void renew_both(std::uint64_t known);
    void forget_both();
    void ask_reports();
    void restart();
    [[nodiscard]] std::uint64_t some_epoch();
    [[nodiscard]] std::string some_buckets(bool any);
    [[nodiscard]] std::string member() { return "member-" + std::to_string(random_.below(4)); }
    /// What the server's clock made of an epoch that is newer than `known`, the model can't know.
    void same(std::uint64_t known, const stamp& real, const stamp& modelled);

    purge_fleet fleet_{1};
    purge_log_calls calls_{fleet_.calls(0)};
    fast_dice random_;
    purge_redis_model model_;
    stamp last_;
    /// Before the step.
    std::uint64_t epoch_ = 0;
    std::uint64_t renewals_ = 0;
};

pair_of_logs::pair_of_logs(std::uint64_t seed) : random_{seed}
{
    fleet_.drain(0);
    fleet_.command({"FLUSHALL"});
    read_run();
}

void pair_of_logs::read_run()
{
    const auto info = *fleet_.command({"INFO"}).text();
    const auto field = [&info](const std::string& name) { return info.substr(info.find(name) + name.size(), 40); };
    model_.run_id = field("run_id:");
    model_.replication_id = field("master_replid:");
}

void pair_of_logs::same(std::uint64_t known, const stamp& real, const stamp& modelled)
{
    REQUIRE(real.sequence == modelled.sequence);
    if (modelled.epoch != epoch_) {
        REQUIRE(real.epoch != last_.epoch);
        REQUIRE(real.epoch > std::max(epoch_, known));
        auto data = model_.stored();
        data.epoch = real.epoch;
        for (auto& each : data.log) each.at.epoch = real.epoch;
        model_.restore(std::move(data));
    } else {
        REQUIRE(real.epoch == modelled.epoch);
    }
    last_ = real;
}

std::uint64_t pair_of_logs::some_epoch()
{
    if (random_.chance(0.02)) return last_.epoch + static_cast<std::uint64_t>(random_.between(1, 1000));
    return random_.chance(0.8) ? last_.epoch : last_.epoch - random_.below(std::max<std::uint64_t>(last_.epoch, 1));
}

std::string pair_of_logs::some_buckets(bool any)
{
    std::string made;
    for (auto i = random_.between(any ? 0 : 1, 5); i > 0; --i)
        append_bucket(made,
                      static_cast<bucket>(random_.chance(0.5) ? random_.below(8) : random_.below(1U << table_bits)));
    return made;
}

void pair_of_logs::lose()
{
    auto data = model_.stored();
    switch (random_.below(4)) {
    case 0:
        fleet_.command({"FLUSHALL"});
        data = {};
        break;
    case 1:
        fleet_.command({"DEL", "{cache}:purge:head"});
        data.epoch = data.sequence = 0;
        data.run.clear();
        break;
    case 2:
        fleet_.command({"DEL", "{cache}:purge:log"});
        data.log.clear();
        break;
    default:
        fleet_.command({"DEL", "{cache}:purge:table"});
        data.table.clear();
        break;
    }
    model_.restore(std::move(data));
}

void pair_of_logs::restart()
{
    // Nothing is lost on an orderly end, and yet nobody can know that.
    fleet_.server.shut_down();
    fleet_.until([this] { return !fleet_.connected(0); });
    fleet_.server.start();
    fleet_.until([this] { return fleet_.connected(0); });
    read_run();
}

void pair_of_logs::step()
{
    epoch_ = model_.stored().epoch;
    if (random_.chance(0.01)) return lose();
    if (random_.chance(0.002)) return restart();
    switch (random_.below(6)) {
    case 0: return ask_head(some_epoch());
    case 1:
    case 2: return purge_both(some_epoch());
    case 3: return renew_both(some_epoch());
    case 4: return forget_both();
    default: return ask_reports();
    }
}

void pair_of_logs::ask_head(std::uint64_t known)
{
    const auto real = fleet_.await(0, calls_.head(known));
    REQUIRE(real.has_value());
    return same(known, real.value().head, model_.head(known));
}

void pair_of_logs::purge_both(std::uint64_t known)
{
    const auto hard = some_buckets(true);
    const auto soft = some_buckets(!hard.empty());
    const auto real = fleet_.await(0, calls_.purge(known, hard, soft));
    REQUIRE(real.has_value());
    const auto made = model_.purge(known, hard, soft, 10'000);
    std::vector<std::pair<std::string, std::string>> members;
    for (const auto& each : real.value().members) members.emplace_back(each.incarnation, each.report);
    std::sort(members.begin(), members.end());
    REQUIRE(members == made.members);
    return same(known, real.value().at, made.at);
}

void pair_of_logs::renew_both(std::uint64_t known)
{
    const stamp applied{random_.chance(0.8) ? last_.epoch : some_epoch(), random_.below(last_.sequence + 2)};
    const member_report report{applied, ++renewals_, "cache-1"};
    const auto who = member();
    const auto real = fleet_.await(0, calls_.renew(known, who, report));
    REQUIRE(real.has_value());
    const auto made = model_.renew(known, applied, who, to_text(report), 1000);
    const auto& entries = real.value().since.entries;
    REQUIRE(entries.size() == made.entries.size());
    for (std::size_t i = 0; i < entries.size(); ++i) {
        REQUIRE(entries[i].at == made.entries[i].at);
        REQUIRE(entries[i].hard == made.entries[i].hard);
        REQUIRE(entries[i].soft == made.entries[i].soft);
    }
    return same(known, real.value().head.head, made.head);
}

void pair_of_logs::forget_both()
{
    const auto who = member();
    auto report = model_.report_of(who).value_or("");
    if (random_.chance(0.5)) report += " ";
    REQUIRE(fleet_.await(0, calls_.forget({{who, report}})).has_value());
    model_.forget(who, report);
}

void pair_of_logs::ask_reports()
{
    const auto who = member();
    if (random_.chance(0.2)) {
        REQUIRE(fleet_.await(0, calls_.leave(who)).has_value());
        model_.leave(who);
    }
    const std::vector<std::string_view> asked{who};
    const auto real = fleet_.await(0, calls_.reports(asked));
    REQUIRE(real.has_value());
    REQUIRE(real.value().front() == model_.report_of(who));
}

void pair_of_logs::compare()
{
    const auto whole = fleet_.await(0, calls_.table_part(0, (std::size_t{1} << table_bits) * cell_bytes));
    REQUIRE(whole.has_value());
    REQUIRE(whole.value() == model_.table_part(0, whole.value().size() + 1));
    const auto offset = random_.below(64);
    const auto part = fleet_.await(0, calls_.table_part(offset, 16));
    REQUIRE(part.has_value());
    REQUIRE(part.value() == model_.table_part(offset, 16));
}

}  // namespace

TEST_CASE("purge scripts: they do what the simulation's model of them does", "[cache][purge][property]")
{
    const std::uint64_t seed = std::random_device{}();
    CAPTURE(seed);
    pair_of_logs logs{seed};
    for (int i = 0; i < 3000; ++i) {
        CAPTURE(i);
        logs.step();
        if (i % 100 == 0) logs.compare();
    }
}
