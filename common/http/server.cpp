#include "common/http/server.hpp"

#include <utility>
#include <vector>

#include "common/http/core.hpp"
#include "common/http/listener.hpp"
#include "common/runtime/task_group.hpp"

namespace shoal::http {

class server::impl {
public:
    impl(boost::asio::io_context& loop, server_options chosen, responder answers, runtime::task_group& tasks,
         log::logger& log, metrics::registry& metrics)
        : shared{std::make_shared<core>(loop, std::move(chosen), std::move(answers), tasks, log, metrics)}
    {
    }

    /// A session may end, and unlink itself, in what is done to it.
    template <class Action>
    void for_each_session(Action action)
    {
        for (auto at = shared->sessions.begin(); at != shared->sessions.end();) action(*at++);
    }

    std::shared_ptr<core> shared;
    std::vector<std::shared_ptr<listener>> listeners;
    std::size_t started = 0;
};

server::server(boost::asio::io_context& loop, server_options chosen, router routes, runtime::task_group& tasks,
               log::logger& log, metrics::registry& metrics)
    : impl_{std::make_unique<impl>(loop, std::move(chosen), std::move(routes), tasks, log, metrics)}
{
}

server::server(boost::asio::io_context& loop, server_options chosen, stream_handler answers, runtime::task_group& tasks,
               log::logger& log, metrics::registry& metrics)
    : impl_{std::make_unique<impl>(loop, std::move(chosen), std::move(answers), tasks, log, metrics)}
{
}

server::~server()
{
    abort();
    impl_->shared->orphaned = true;
}

void server::listen_unix(const std::string& path)
{
    impl_->listeners.push_back(listener::on_unix(*impl_->shared, path));
}

std::uint16_t server::listen_tcp(const std::string& address, std::uint16_t port)
{
    impl_->listeners.push_back(listener::on_tcp(*impl_->shared, address, port));
    return impl_->listeners.back()->port();
}

void server::start()
{
    auto& shared = impl_->shared;
    shared->last_request = boot_clock::now();
    shared->start_sweeping();
    for (; impl_->started < impl_->listeners.size(); ++impl_->started)
        shared->tasks.spawn("http accept", listener::serve(shared, impl_->listeners[impl_->started]));
}

void server::begin_drain() noexcept
{
    impl_->shared->draining = true;
}

void server::stop_listening()
{
    for (const auto& one : impl_->listeners) one->stop();
}

void server::close_idle(std::chrono::milliseconds idle)
{
    const auto now = boot_clock::now();
    impl_->for_each_session([&](session& one) { one.close_if_idle(now, idle); });
}

void server::abort()
{
    for (const auto& one : impl_->listeners) one->close();
    impl_->for_each_session([](session& one) { one.cut(); });
}

std::size_t server::connections() const noexcept
{
    return impl_->shared->connections;
}

std::size_t server::in_flight() const noexcept
{
    return impl_->shared->in_flight;
}

boot_time server::last_request() const noexcept
{
    return impl_->shared->last_request;
}

void server::set_slow(std::chrono::milliseconds threshold) noexcept
{
    impl_->shared->slow = threshold;
}

}  // namespace shoal::http
