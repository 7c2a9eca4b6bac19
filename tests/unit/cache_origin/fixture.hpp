#pragma once
// An origin's client, and what came of its requests, all on one loop.

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "common/log/log.hpp"
#include "common/metrics/metrics.hpp"
#include "common/runtime/task_group.hpp"
#include "services/cache/origin/origin.hpp"

namespace shoal::test {

/// What became of a request.
struct fetched {
    bool done = false;
    boost::system::error_code error;
    unsigned status = 0;
    /// Names as they came, in order.
    std::vector<std::pair<std::string, std::string>> headers;
    std::optional<std::uint64_t> length;
    std::vector<shared_bytes> pieces;
    std::string body;
    std::string trailers;
    std::chrono::nanoseconds took{0};
    /// Kept when only the head was asked for.
    std::unique_ptr<cache::origin::answer> rest;
};
using fetched_ptr = std::shared_ptr<fetched>;

[[nodiscard]] cache::origin::outgoing get(const std::string& path = "/");
/// With a body of a known length, or chunked.
[[nodiscard]] cache::origin::outgoing post(std::vector<std::string> pieces, bool chunked = false);
/// Time-outs that no test waits for.
[[nodiscard]] cache::origin::settings patient(std::vector<std::string> servers);

class origin_fixture {
public:
    /// The loop lives longer.
    origin_fixture(boost::asio::io_context& on, cache::origin::settings chosen);
    /// Checks that no connection and no task is left.
    ~origin_fixture();
    origin_fixture(const origin_fixture&) = delete;
    origin_fixture& operator=(const origin_fixture&) = delete;

    [[nodiscard]] fetched_ptr begin(cache::origin::outgoing what, bool head_only = false,
                                    boot_time deadline = boot_time::max());
    /// Turns the loop until the answer has come to its end.
    [[nodiscard]] fetched_ptr fetch(cache::origin::outgoing what = get(), bool head_only = false,
                                    boot_time deadline = boot_time::max());
    [[nodiscard]] fetched_ptr wait(fetched_ptr for_it);
    /// Reads the rest of an answer of which only the head was asked for.
    void read_rest(const fetched_ptr& of);
    [[nodiscard]] bool until(const std::function<bool()>& done);
    [[nodiscard]] double metric(const std::string& line) const;
    [[nodiscard]] double failures(const std::string& reason) const;
    [[nodiscard]] double connections() const { return metric("shoal_cache_origin_connections{site=\"s\"}"); }
    [[nodiscard]] double healthy(const std::string& server) const;

private:
    int log_file_;

public:
    boost::asio::io_context& loop;
    log::logger logger;
    metrics::registry metrics;
    runtime::task_group tasks;
    std::optional<cache::origin::origin> client;
};

}  // namespace shoal::test
