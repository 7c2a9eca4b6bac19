#pragma once
// A reader of views on one real Redis, which has what a relay would have written.

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

#include "common/log/log.hpp"
#include "common/metrics/metrics.hpp"
#include "common/redis/client.hpp"
#include "common/redis/value.hpp"
#include "common/runtime/task_group.hpp"
#include "services/views/store/reader.hpp"
#include "tests/support/redis_server.hpp"

namespace shoal::test {

class views_world {
public:
    /// A relay is attached, and keeps no view.
    views_world();
    ~views_world();
    views_world(const views_world&) = delete;
    views_world& operator=(const views_world&) = delete;

    /// Of generation 1.
    void view(const std::string& name, const std::string& kind, const std::string& state = "ready");
    redis::value command(const std::vector<std::string>& words);
    void scores(const std::string& view, const std::string& key, const std::map<std::string, double>& members);

    [[nodiscard]] views::reading read(const views::question& asked);
    [[nodiscard]] views::reading entry(std::string_view view, std::string_view key, std::string_view query = "");
    [[nodiscard]] views::reading several(std::string_view view, std::string_view query);
    [[nodiscard]] views::listing list();

    redis_server server;
    std::uint64_t epoch = 0;

private:
    template <class T>
    T await(boost::asio::awaitable<result<T>> task);
    void until(const std::function<bool()>& done);

    boost::asio::io_context loop_{1};
    log::logger logger_{{.least = log::level::error, .descriptor = 2, .format = log::style::text, .worker = "test"}};
    runtime::task_group tasks_{loop_.get_executor(), logger_};
    metrics::registry metrics_;
    redis::client client_;
    views::reader reader_{client_};
};

}  // namespace shoal::test
