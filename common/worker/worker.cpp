#include "common/worker/worker.hpp"

#include <chrono>
#include <csignal>
#include <memory>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <unistd.h>

#include "common/config/reader.hpp"
#include "common/core/incarnation.hpp"
#include "common/http/server.hpp"
#include "common/metrics/metrics.hpp"
#include "common/redis/client.hpp"
#include "common/runtime/loop_monitor.hpp"
#include "common/runtime/notifier.hpp"
#include "common/runtime/task_group.hpp"
#include "common/runtime/watchdog.hpp"
#include "common/worker/admin.hpp"
#include "common/worker/description.hpp"
#include "common/worker/event_loop.hpp"
#include "common/worker/fronts.hpp"
#include "common/worker/parts.hpp"
#include "common/worker/place.hpp"

namespace shoal::worker {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

constexpr milliseconds watchdog_limit = 5s;
constexpr milliseconds tick = 20ms;
/// How often a worker looks whether the names of its place still lead to it.
constexpr milliseconds look_interval = 200ms;
/// A draining worker accepts for this long: connections made before the rename or before the proxy noticed.
constexpr milliseconds accept_after = 1s;
/// Well beyond the proxy's pool-purge-delay of 1 s: an idle connection this old is not about to be used.
constexpr milliseconds idle_to_close = 4s;
/// For a service to give back what it holds, and for what was cut to unwind.
constexpr milliseconds farewell = 1s;

/// run() holds it back until there is a handler.
void unblock_reload()
{
    sigset_t hup;
    sigemptyset(&hup);
    sigaddset(&hup, SIGHUP);
    pthread_sigmask(SIG_UNBLOCK, &hup, nullptr);
}

/// Lets go of it when `work` ends, also by an exception: that is when a coroutine's parameters go.
boost::asio::awaitable<void> hold(std::shared_ptr<bool>, boost::asio::awaitable<void> work)
{
    co_await std::move(work);
}

}  // namespace

class process::impl {
public:
    impl(flags asked, settings read, service& what);

    int run();

private:
    using task = boost::asio::awaitable<void>;

    [[nodiscard]] std::unique_ptr<redis::client> make_l2();
    [[nodiscard]] fronts make_fronts();
    [[nodiscard]] http::server make_admin_server();

    task live();
    boost::asio::awaitable<bool> redis_answers();
    [[nodiscard]] bool listen_and_publish();
    task serve();
    task drain();
    task warm();
    boost::asio::awaitable<bool> ends_within(milliseconds most, int terminations, const char* name, task work);
    task finish();
    task pause(milliseconds time);

    void wait_for_signal();
    void on_signal(int number);
    void reload();

    flags flags_;
    settings settings_;
    service& service_;
    identity self_{random_incarnation(), boot_clock::now(), wall_clock::now()};
    phase phase_ = phase::starting;
    int exit_code_ = 0;
    int terminations_ = 0;

    event_loop loop_{1};
    boost::asio::signal_set signals_{loop_, SIGTERM, SIGINT, SIGHUP};
    boost::asio::steady_timer timer_{loop_};
    log::logger log_;
    metrics::registry metrics_;
    runtime::task_group tasks_{loop_.get_executor(), log_};
    redis::client redis_;
    std::unique_ptr<redis::client> l2_;
    place place_;
    fronts public_;
    http::server admin_;
    runtime::watchdog watchdog_{watchdog_limit};
    runtime::notifier notifier_{runtime::notifier::from_environment()};
    runtime::loop_monitor monitor_;
};

process::impl::impl(flags asked, settings read, service& what)
    : flags_{std::move(asked)},
      settings_{std::move(read)},
      service_{what},
      log_{log_options(flags_, settings_)},
      redis_{loop_, state_options(flags_, settings_), tasks_, log_, metrics_},
      l2_{make_l2()},
      place_{lock_path(flags_), place_paths(flags_), {flags_.generation, self_.incarnation}},
      public_{make_fronts()},
      admin_{make_admin_server()},
      monitor_{loop_, metrics_, [this] {
                   watchdog_.turned();
                   notifier_.turned(boot_clock::now());
                   log_.flush();
               }}
{
}

std::unique_ptr<redis::client> process::impl::make_l2()
{
    auto options = l2_options(flags_, settings_);
    if (!options) return nullptr;
    return std::make_unique<redis::client>(loop_, *std::move(options), tasks_, log_, metrics_);
}

fronts process::impl::make_fronts()
{
    settings_.apply_service();
    return fronts{flags_,
                  settings_,
                  service_,
                  {.loop = loop_,
                   .tasks = tasks_,
                   .log = log_,
                   .metrics = metrics_,
                   .state = redis_,
                   .state_timeout = settings_.redis_timeout,
                   .l2 = l2_.get(),
                   .state_options = state_options(flags_, settings_),
                   .worker_name = flags_.name,
                   .incarnation = self_.incarnation}};
}

http::server process::impl::make_admin_server()
{
    const view shown{.current = [this] { return phase_; },
                     .config = [this] { return describe(flags_, settings_, service_, self_, phase_); },
                     .metrics = &metrics_};
    auto routes = admin_routes(shown);
    for (auto& added : service_.admin_routes()) {
        if (!added.pattern.starts_with("/-/"))
            throw std::logic_error("a private path must begin with /-/: " + std::string{added.pattern});
        routes.push_back(std::move(added));
    }
    return http::server{loop_,
                        {.worker = flags_.name, .name = "admin", .bounds = {}, .slow = 0ms},
                        http::router{std::move(routes)},
                        tasks_,
                        log_,
                        metrics_};
}

int process::impl::run()
{
    log_.info("starting", {{"version", SHOAL_VERSION},
                           {"generation", flags_.generation},
                           {"incarnation", self_.incarnation},
                           {"config_version", settings_.known.version}});
    wait_for_signal();
    unblock_reload();
    monitor_.start();
    redis_.start();
    if (l2_) l2_->start();
    tasks_.spawn("worker", live());
    loop_.run();
    log_.info("ended", {{"exit_code", exit_code_}, {"unfinished_tasks", tasks_.running()}});
    loop_.abandon();
    service_.end();
    return exit_code_;
}

process::impl::task process::impl::live()
{
    try {
        if (co_await redis_answers()) co_await warm();
        if (terminations_ == 0 && listen_and_publish()) {
            co_await serve();
            co_await drain();
        }
    } catch (const std::exception& failure) {
        log_.error("the worker can't go on", {{"error", failure.what()}});
        exit_code_ = 1;
    }
    co_await finish();
}

/// False when the worker is told to end before.
boost::asio::awaitable<bool> process::impl::redis_answers()
{
    auto next_word = boot_clock::now() + 5s;
    while (!redis_.available()) {
        if (terminations_ > 0) co_return false;
        if (boot_clock::now() >= next_word) {
            log_.warning("still waiting for Redis before serving");
            next_word += 5s;
        }
        co_await pause(tick);
    }
    co_return true;
}

/// A service that is slow to warm, or fails at it, must not keep the place from being served.
process::impl::task process::impl::warm()
{
    std::stop_source over;
    auto work = service_.warm({flags_.admin.unix_path, over.get_token()});
    const bool ended = co_await ends_within(flags_.warm_deadline, 1, "warming", std::move(work));
    over.request_stop();
    if (!ended && terminations_ == 0)
        log_.warning("what was in memory is not all back: the place is taken over without it",
                     {{"after_ms", flags_.warm_deadline.count()}});
}

bool process::impl::listen_and_publish()
{
    admin_.listen_unix(place_.own_name(flags_.admin.unix_path));
    public_.listen(flags_, place_);
    admin_.start();
    public_.start();
    phase_ = phase::serving;
    if (place_.publish()) {
        notifier_.ready();
        log_.info("serving", {{"admin", flags_.admin.unix_path}});
        return true;
    }
    log_.info("the place belongs to a newer generation", {{"generation", flags_.generation}});
    return false;
}

process::impl::task process::impl::serve()
{
    auto owner = possession::held;
    while (terminations_ == 0 && owner == possession::held) {
        co_await pause(look_interval);
        owner = place_.look();
    }
    // Nobody can reach a place without a name: the supervisor starts another process, which publishes it anew.
    if (owner == possession::vanished) exit_code_ = 1;
    const char* const reason = terminations_ > 0                 ? "terminated"
                               : owner == possession::taken_over ? "another process took the place over"
                                                                 : "a socket's name is gone";
    log_.info("draining", {{"reason", reason}});
}

process::impl::task process::impl::drain()
{
    const auto began = boot_clock::now();
    phase_ = phase::draining;
    notifier_.stopping();
    public_.begin_drain();
    while (boot_clock::now() - began < accept_after && terminations_ < 2) co_await pause(tick);
    public_.stop_listening();
    while (public_.connections() > 0 && terminations_ < 2) {
        if (boot_clock::now() - began > flags_.drain_deadline) {
            log_.warning("the drain deadline passed",
                         {{"connections", public_.connections()}, {"in_flight", public_.in_flight()}});
            co_return;
        }
        public_.close_idle(idle_to_close);
        co_await pause(tick);
    }
    if (terminations_ >= 2) co_return;
    // A Redis that does not answer must not hold the exit.
    auto work = service_.drain();
    const bool gave_back = co_await ends_within(farewell, 2, "service drain", std::move(work));
    if (!gave_back) log_.warning("the service did not give back everything in time");
}

/// Whether it ended by then, by itself or by an exception, and before the worker was told to end so many times; else
/// it goes on.
boost::asio::awaitable<bool> process::impl::ends_within(milliseconds most, int terminations, const char* name,
                                                        task work)
{
    const auto until = boot_clock::now() + most;
    auto running = std::make_shared<bool>(true);
    const std::weak_ptr<bool> look{running};
    tasks_.spawn(name, hold(std::move(running), std::move(work)));
    while (!look.expired() && boot_clock::now() < until && terminations_ < terminations) co_await pause(1ms);
    co_return look.expired();
}

process::impl::task process::impl::finish()
{
    public_.abort();
    admin_.abort();
    redis_.stop();
    if (l2_) l2_->stop();
    // What was cut gets a moment to unwind; this task itself is the last one.
    const auto began = boot_clock::now();
    while (tasks_.running() > 1 && boot_clock::now() - began < farewell) co_await pause(1ms);
    loop_.stop();
}

process::impl::task process::impl::pause(milliseconds time)
{
    timer_.expires_after(time);
    co_await timer_.async_wait(boost::asio::use_awaitable);
}

void process::impl::wait_for_signal()
{
    signals_.async_wait([this](const boost::system::error_code& error, int number) {
        if (error) return;
        on_signal(number);
        wait_for_signal();
    });
}

void process::impl::on_signal(int number)
{
    if (number == SIGHUP) {
        reload();
        return;
    }
    ++terminations_;
    log_.info("told to end", {{"signal", number}, {"times", terminations_}});
}

void process::impl::reload()
{
    try {
        auto read = read_settings(flags_.config, service_);
        read.apply_service();
        log_.set_level(read.log_level);
        public_.set_slow(read.slow);
        if (settings_.replace(std::move(read)))
            log_.warning("http and redis of the configuration come into force with the next restart");
        log_.info("configuration reloaded", {{"config_version", settings_.known.version}});
    } catch (const std::exception& wrong) {
        log_.error("configuration refused, the old one stays in force", {{"problems", wrong.what()}});
    }
}

process::process(flags asked, settings read, service& what)
    : impl_{std::make_unique<impl>(std::move(asked), std::move(read), what)}
{
}

process::~process() = default;

int process::run()
{
    return impl_->run();
}

}  // namespace shoal::worker
