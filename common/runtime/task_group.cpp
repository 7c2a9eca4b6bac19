#include "common/runtime/task_group.hpp"

#include <cassert>
#include <exception>
#include <utility>

#include <boost/asio/co_spawn.hpp>

#include "common/log/log.hpp"

namespace shoal::runtime {

task_group::task_group(boost::asio::any_io_executor executor, log::logger& log)
    : executor_{std::move(executor)}, log_{log}
{
}

task_group::~task_group() = default;

void task_group::spawn(std::string_view name, boost::asio::awaitable<void> task)
{
    ++running_;
    boost::asio::co_spawn(executor_, std::move(task), [this, name](const std::exception_ptr& failure) {
        --running_;
        if (!failure) return;
        try {
            std::rethrow_exception(failure);
        } catch (const std::exception& error) {
            log_.error("a task ended with an exception", {{"task", name}, {"error", error.what()}});
        } catch (...) {
            log_.error("a task ended with an exception of unknown type", {{"task", name}});
        }
    });
}

}  // namespace shoal::runtime
