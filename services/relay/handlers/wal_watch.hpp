#pragma once
// A slot keeps the database from forgetting its log. What that may take is bounded: beyond the budget the slot is
// dropped, and whoever takes the place up makes a new one, after which everything cached is void (rule 8).

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include "common/worker/service.hpp"
#include "services/relay/handlers/retries.hpp"
#include "services/relay/handlers/settings.hpp"
#include "services/relay/postgres/database.hpp"

namespace shoal::relay {

class wal_watch {
public:
    /// `keep_away` is called with true before the slot is dropped, as one that is in use can't be, and with false
    /// after.
    wal_watch(const worker::context& from, std::shared_ptr<const settings> chosen, std::function<void(bool)> keep_away);

    /// Until stop(), whether or not this process has the slot, and Redis is there.
    [[nodiscard]] boost::asio::awaitable<void> run();
    void stop();
    /// What is watched from then on may be another database.
    void choose(std::shared_ptr<const settings> chosen);

    /// What the slot kept when it was last looked at, bytes.
    [[nodiscard]] std::uint64_t retained() const noexcept { return retained_; }

private:
    [[nodiscard]] boost::asio::awaitable<result<void>> look();
    [[nodiscard]] boost::asio::awaitable<result<std::size_t>> drop(std::shared_ptr<const settings> by);
    [[nodiscard]] boost::asio::awaitable<void> pause(std::chrono::nanoseconds time);
    void judge();

    worker::context on_;
    std::shared_ptr<const settings> chosen_;
    std::function<void(bool)> keep_away_;
    database database_;
    boost::asio::steady_timer pause_;
    retries retries_;
    bool stopping_ = false;
    bool connected_ = false;
    bool alarmed_ = false;
    std::uint64_t retained_ = 0;
};

}  // namespace shoal::relay
