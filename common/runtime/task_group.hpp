#pragma once
// Every coroutine of a worker is spawned here, so that it is counted, its exception is logged and not
// swallowed, and shutdown can wait for the last one.

#include <cstddef>
#include <string_view>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

namespace shoal::log {
class logger;
}

namespace shoal::runtime {

/// Lives longer than every task that it spawned: destroy it after the io_context has stopped running.
class task_group {
public:
    task_group(boost::asio::any_io_executor executor, log::logger& log);
    ~task_group();
    task_group(const task_group&) = delete;
    task_group& operator=(const task_group&) = delete;

    /// Starts the task at the executor's next turn. `name` must have static storage; it names the task in the log.
    void spawn(std::string_view name, boost::asio::awaitable<void> task);

    /// Tasks that have not ended.
    [[nodiscard]] std::size_t running() const noexcept { return running_; }

private:
    boost::asio::any_io_executor executor_;
    log::logger& log_;
    std::size_t running_ = 0;
};

}  // namespace shoal::runtime
