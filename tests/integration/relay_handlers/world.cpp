#include "tests/integration/relay_handlers/world.hpp"

#include <catch2/catch.hpp>

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>

#include "common/config/reader.hpp"

namespace shoal::test {
namespace {

using namespace std::chrono_literals;

redis::options within(std::chrono::milliseconds timeout, const std::string& path)
{
    redis::options chosen;
    chosen.where.unix_path = path;
    chosen.command_timeout = timeout;
    return chosen;
}

constexpr auto* schema = "CREATE TABLE item (id int PRIMARY KEY, t text); CREATE PUBLICATION shoal FOR TABLE item";

}  // namespace

feed_world::member::member(const feed_world& in, std::shared_ptr<const relay::settings> chosen, const std::string& name)
    : log_file{memfd_create("log", MFD_CLOEXEC)},
      client{loop, within(in.redis_timeout, in.redis.path()), tasks, logger, metrics},
      lent{.loop = loop,
           .tasks = tasks,
           .log = logger,
           .metrics = metrics,
           .state = client,
           .state_timeout = 1s,
           .worker_name = name,
           .incarnation = incarnation}
{
    feed = std::make_unique<relay::feed>(lent, std::move(chosen));
    client.start();
    tasks.spawn("relay", feed->run());
}

feed_world::member::~member()
{
    close(log_file);
}

feed_world::feed_world(std::vector<std::string> postgres_settings) : database{std::move(postgres_settings)}
{
    std::signal(SIGPIPE, SIG_IGN);
    database.sql(schema);
}

feed_world::~feed_world()
{
    for (const auto& one : relays_) {
        one->feed->stop();
        if (one->watch) one->watch->stop();
        one->client.stop();
        one->loop.restart();
        one->loop.run();
    }
}

std::shared_ptr<const relay::settings> feed_world::settings(const std::string& slot, const std::string& database_name,
                                                            const nlohmann::json& more) const
{
    nlohmann::json section{{"postgres", database.target(database_name)},
                           {"slot", slot},
                           {"rules", {{{"table", "public.item"}, {"tags", {"item:{id}"}}}}}};
    if (more.is_object()) section.update(more);
    config::problems problems{"test"};
    config::object from{section, "$", problems};
    auto made = std::make_shared<const relay::settings>(relay::read_settings(from));
    REQUIRE(problems.text().empty());
    return made;
}

std::size_t feed_world::add(std::shared_ptr<const relay::settings> chosen)
{
    relays_.push_back(std::make_unique<member>(*this, std::move(chosen), "relay-" + std::to_string(relays_.size())));
    return relays_.size() - 1;
}

relay::wal_watch& feed_world::watch(std::size_t which, std::shared_ptr<const relay::settings> chosen)
{
    auto& of = *relays_[which];
    of.watch =
        std::make_unique<relay::wal_watch>(of.lent, std::move(chosen), [&of](bool away) { of.feed->keep_away(away); });
    of.tasks.spawn("watch", of.watch->run());
    return *of.watch;
}

void feed_world::turn()
{
    member* last = nullptr;
    bool idle = true;
    for (const auto& one : relays_) {
        if (one->paused) continue;
        one->loop.restart();
        if (one->loop.poll() > 0) idle = false;
        last = one.get();
    }
    if (idle && last != nullptr) last->loop.run_one_for(100us);
}

void feed_world::until(const std::function<bool()>& done)
{
    const auto limit = boot_clock::now() + 30s;
    while (!done()) {
        REQUIRE(boot_clock::now() < limit);
        turn();
    }
}

void feed_world::until_active(std::size_t which)
{
    until([&] { return at(which).now().as == relay::role::active; });
}

redis::value feed_world::ask(const std::vector<std::string_view>& command)
{
    for (const auto& one : relays_) {
        if (one->paused) continue;
        auto answer = await(static_cast<std::size_t>(&one - relays_.data()), one->client.command(command));
        REQUIRE(answer.has_value());
        return *std::move(answer);
    }
    FAIL("every relay is paused");
    return {};
}

std::string feed_world::noted(const std::string& field)
{
    const auto answer = ask({"HGET", "{cache}:purge:relay", field});
    return answer.text() != nullptr ? std::string{*answer.text()} : std::string{};
}

std::uint64_t feed_world::redis_now()
{
    const auto answer = ask({"TIME"});
    const auto& parts = *answer.array();
    return std::stoull(std::string{*parts[0].text()}) * 1'000'000 + std::stoull(std::string{*parts[1].text()});
}

void feed_world::until_claimed()
{
    const auto from = redis_now();
    until([&] {
        const auto claim = noted("claim");
        return !claim.empty() && std::stoull(claim) >= from;
    });
}

std::int64_t feed_world::entries()
{
    const auto answer = ask({"XLEN", "{cache}:purge:log"});
    return *answer.integer();
}

std::string feed_world::logged(std::size_t which) const
{
    std::string text(1 << 16, '\0');
    const auto length = pread(relays_[which]->log_file, text.data(), text.size(), 0);
    text.resize(static_cast<std::size_t>(std::max<ssize_t>(length, 0)));
    return text;
}

std::string feed_world::metric(std::size_t which, const std::string& name) const
{
    const auto text = relays_[which]->metrics.render();
    const auto begin = text.find("\n" + name);
    return begin == std::string::npos ? std::string{} : text.substr(begin + 1, text.find('\n', begin + 1) - begin - 1);
}

}  // namespace shoal::test
