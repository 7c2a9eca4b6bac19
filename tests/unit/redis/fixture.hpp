#pragma once
// A client on a loop of its own, its log in a file, and calls whose outcome can be looked at later.

#include "common/log/log.hpp"
#include "common/metrics/metrics.hpp"
#include "common/redis/client.hpp"
#include "common/runtime/task_group.hpp"

#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace shoal::test {

/// One call of the client; empty until it has returned.
struct call {
    std::optional<result<redis::value>> outcome;
    boot_time begun;
    boot_time ended;

    [[nodiscard]] bool ended_with(errc code) const
    {
        return outcome && outcome->has_error() && outcome->error() == code;
    }
    [[nodiscard]] bool returned(const redis::value& expected) const
    {
        return outcome && *outcome && **outcome == expected;
    }
};
using call_ptr = std::shared_ptr<call>;

/// Short enough for tests to wait for each of its time-outs.
[[nodiscard]] redis::options impatient(const std::string& unix_path);

class client_fixture {
public:
    explicit client_fixture(boost::asio::io_context& on_loop, redis::options chosen);
    /// Stops the client and runs the loop to its end; a task that is left over fails the test.
    ~client_fixture();
    client_fixture(const client_fixture&) = delete;
    client_fixture& operator=(const client_fixture&) = delete;

    /// Starts the client and turns the loop until it is available.
    void connect();
    [[nodiscard]] bool until(const std::function<bool()>& done) const;

    /// Begins a call; the loop must turn for it to do anything.
    call_ptr begin(std::vector<std::string> arguments, boot_time deadline = boot_time::max());
    call_ptr begin_eval(const redis::script& code, std::vector<std::string> keys,
                        std::vector<std::string> arguments = {}, boot_time deadline = boot_time::max());
    /// Begins a call and turns the loop until it has returned.
    result<redis::value> run(std::vector<std::string> arguments, boot_time deadline = boot_time::max());
    result<redis::value> eval(const redis::script& code, std::vector<std::string> keys,
                              std::vector<std::string> arguments = {});

    /// What was logged so far.
    [[nodiscard]] std::string logged() const;
    /// The value of one line of the metrics' text; -1 when there is none.
    [[nodiscard]] double metric(std::string_view name_and_labels) const;

private:
    int log_file_;

public:
    boost::asio::io_context& loop;
    log::logger log;
    metrics::registry metrics;
    runtime::task_group tasks;
    redis::client client;
};

[[nodiscard]] std::size_t occurrences(std::string_view text, std::string_view part);

}  // namespace shoal::test

template <>
struct Catch::StringMaker<shoal::result<shoal::redis::value>> {
    static std::string convert(const shoal::result<shoal::redis::value>& outcome)
    {
        return outcome ? "a value" : outcome.error().message();
    }
};
