#include "tests/integration/cache_store/second_workers.hpp"

#include <csignal>

#include <catch2/catch.hpp>

#include "tests/support/run_until.hpp"

namespace shoal::test {

using namespace std::chrono_literals;

namespace {

class one_variant final : public cache::variant_source {
public:
    explicit one_variant(std::string value) : value_{std::move(value)} {}
    [[nodiscard]] std::string_view of(std::string_view) override { return value_; }

private:
    std::string value_;
};

}  // namespace

second_workers::member::member(boost::asio::io_context& loop, const redis::options& chosen, runtime::task_group& tasks,
                               log::logger& log, const cache::second_level_settings& settings)
    : client{loop, chosen, tasks, log, metrics},
      level{std::make_unique<cache::second_level>(loop, tasks, &client, settings)}
{
    client.start();
}

cache::second_level_settings second_workers::patient()
{
    cache::second_level_settings made;
    made.patience = 5s;
    return made;
}

second_workers::second_workers(std::size_t workers, cache::second_level_settings chosen)
    : server_{{"--appendonly", "no"}}
{
    // hiredis writes to a Redis that a test has killed.
    std::signal(SIGPIPE, SIG_IGN);
    redis::options options;
    options.where.unix_path = server_.path();
    options.command_timeout = 5s;
    for (std::size_t i = 0; i < workers; ++i)
        workers_.push_back(std::make_unique<member>(loop_, options, tasks_, log_, chosen));
    for (const auto& one : workers_) until([&one] { return one->client.available(); });
}

second_workers::~second_workers()
{
    for (const auto& one : workers_) {
        one->level.reset();
        one->client.stop();
    }
    loop_.restart();
    loop_.run();
}

void second_workers::until(const std::function<bool()>& done)
{
    REQUIRE(run_until(loop_, done, 30s));
}

cache::stored_ptr second_workers::find(std::size_t worker, std::string key, std::string variant)
{
    one_variant asks{std::move(variant)};
    return get(at(worker).find(std::move(key), asks));
}

void second_workers::put(std::size_t worker, cache::stored_ptr what)
{
    const auto& counts = at(worker).total();
    const auto before = counts.written + counts.left_out;
    at(worker).put(std::move(what));
    until([&] { return counts.written + counts.left_out == before + 1; });
}

bool second_workers::update(std::size_t worker, cache::stored_ptr what, cache::fill_id replaces)
{
    const auto& counts = at(worker).total();
    const auto before = counts.written;
    const auto left_out = counts.left_out;
    at(worker).update(std::move(what), replaces);
    until([&] { return counts.written + counts.left_out == before + left_out + 1; });
    return counts.written == before + 1;
}

cache::fill_follower::news second_workers::next(cache::fill_follower& of)
{
    return get(of.next(boot_clock::now() + 20s));
}

redis::value second_workers::command(std::vector<std::string> arguments)
{
    const std::vector<std::string_view> views{arguments.begin(), arguments.end()};
    auto answer = get(workers_.front()->client.command(views));
    REQUIRE(answer.has_value());
    return std::move(answer).value();
}

cache::stored_ptr a_stored(const wanted& of)
{
    cache::stored_parts made;
    made.key = of.key;
    made.vary = of.vary;
    made.variant = of.variant;
    made.head = "HTTP/1.1 200 OK\r\nDate: Sun, 22 Nov 2026 12:00:00 GMT\r\n";
    made.body = {share(of.body)};
    made.etag = of.etag;
    made.use.fresh_for = of.fresh_for;
    made.received = boot_clock::now();
    made.wall_received = wall_clock::now();
    made.since = {.epoch = 1, .sequence = of.sequence};
    made.tags = {1, 2};
    made.tag_texts = {"article-1"};
    made.site = "default";
    made.fill = {.process = 1, .number = of.fill};
    return cache::stored::make(made);
}

std::string body_of(const cache::stored& what)
{
    std::string made;
    for (const auto piece : what.body()) made.append(piece);
    return made;
}

}  // namespace shoal::test
