#include "tests/integration/relay_store/world.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <chrono>
#include <csignal>

#include "common/core/incarnation.hpp"
#include "tests/support/run_until.hpp"

namespace shoal::test {
namespace {

redis::options patient(const std::string& path)
{
    redis::options chosen;
    chosen.where.unix_path = path;
    chosen.command_timeout = std::chrono::seconds{5};
    return chosen;
}

}  // namespace

relay_world::member::member(relay_world& in)
    : client{in.loop_, patient(in.server.path()), in.tasks_, in.logger_, metrics},
      log{std::make_unique<relay::relay_log>(client, random_incarnation())}
{
    client.start();
}

relay_world::relay_world(std::size_t relays)
{
    // hiredis writes to a Redis that a test has killed.
    std::signal(SIGPIPE, SIG_IGN);
    for (std::size_t i = 0; i < relays; ++i) relays_.push_back(std::make_unique<member>(*this));
    until_connected();
}

relay_world::~relay_world()
{
    for (const auto& one : relays_) one->client.stop();
    loop_.restart();
    loop_.run();
}

void relay_world::until(const std::function<bool()>& done)
{
    REQUIRE(run_until(loop_, done, std::chrono::seconds{30}));
}

void relay_world::until_connected()
{
    until([this] {
        return std::all_of(relays_.begin(), relays_.end(), [](const auto& one) { return one->client.available(); });
    });
}

relay::relay_log::ownership relay_world::own(std::size_t which)
{
    auto owned = await(at(which).own());
    REQUIRE(owned.has_value());
    return *std::move(owned);
}

bool relay_world::is_fenced(std::size_t which)
{
    const auto refused = [&](const auto& answer) {
        return answer.has_error() && answer.error() == errc::redis_unexpected_reply && at(which).fenced();
    };
    const bool attach = refused(await(at(which).attach("zombie", "0/1", "zombie")));
    const bool purge = refused(await(at(which).purge(std::string(4, 0), "", {"0/1", {{"token", "0/1"}}})));
    const bool beat = refused(await(at(which).beat({.claim = 1, .position = "0/1", .purged = ""})));
    CHECK(purge == beat);
    CHECK(purge == attach);
    return purge && beat && attach;
}

redis::value relay_world::ask(const std::vector<std::string_view>& command)
{
    auto answer = await(relays_.front()->client.command(command));
    REQUIRE(answer.has_value());
    return *std::move(answer);
}

std::string relay_world::noted(const std::string& field)
{
    const auto answer = ask({"HGET", "{cache}:purge:relay", field});
    return answer.text() != nullptr ? std::string{*answer.text()} : std::string{};
}

std::string relay_world::value_of(const std::string& key)
{
    const auto answer = ask({"GET", key});
    return answer.text() != nullptr ? std::string{*answer.text()} : std::string{};
}

std::int64_t relay_world::entries()
{
    const auto answer = ask({"XLEN", "{cache}:purge:log"});
    REQUIRE(answer.integer() != nullptr);
    return *answer.integer();
}

}  // namespace shoal::test
