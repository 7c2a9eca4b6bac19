#pragma once
// A server on a unix socket, driven by the loop of its clients.

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "common/http/server.hpp"
#include "common/log/log.hpp"
#include "common/metrics/metrics.hpp"
#include "common/runtime/task_group.hpp"
#include "tests/support/temp_folder.hpp"
#include "tests/unit/http/client.hpp"

namespace shoal::test {

/// Time-outs that tests need not wait for, unless they are about one.
[[nodiscard]] http::limits patient_limits();

class world {
public:
    explicit world(http::limits bounds = patient_limits(), std::vector<http::route> routes = default_routes(),
                   std::chrono::milliseconds slow = std::chrono::milliseconds{0});
    /// Of a server that streams.
    explicit world(http::stream_handler answers, http::limits bounds = patient_limits(),
                   std::chrono::milliseconds slow = std::chrono::milliseconds{0});
    ~world();

    [[nodiscard]] client connect() { return client{loop, path}; }
    /// Turns the loop until it is so; false after five seconds.
    [[nodiscard]] bool wait_for(const std::function<bool()>& condition);
    /// The value of one line of the metrics, or 0.
    [[nodiscard]] double metric(const std::string& line) const;
    [[nodiscard]] std::string log_text();

    /// GET /: "root". POST /echo: the body. POST /late: the body, 1 ms later. GET /keys/{a}/{b}. GET /throw,
    /// /throw-late.
    [[nodiscard]] static std::vector<http::route> default_routes();

    temp_folder folder;
    std::string path;
    boost::asio::io_context loop{1};
    int log_descriptor;
    log::logger logger;
    metrics::registry metrics;
    runtime::task_group tasks;
    std::optional<http::server> server;

private:
    struct any {};
    template <class Answers>
    world(Answers answers, http::limits bounds, std::chrono::milliseconds slow, any);
};

}  // namespace shoal::test
