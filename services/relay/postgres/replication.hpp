#pragma once
// The stream of a replication slot.

#include <string>
#include <string_view>

#include <boost/asio/awaitable.hpp>

#include "services/relay/postgres/connection.hpp"
#include "services/relay/protocol/stream.hpp"

namespace shoal::relay {

enum class slot_state : std::uint8_t {
    taken,
    /// Another process has it.
    in_use,
};

class replication {
public:
    explicit replication(boost::asio::io_context& loop) : stream_{loop} {}

    /// Returns what the server is: its system identifier, timeline and database.
    [[nodiscard]] boost::asio::awaitable<result<std::string>> connect(const database_settings& to);
    [[nodiscard]] boost::asio::awaitable<result<slot_state>> start(std::string_view slot, std::string_view publication);
    /// The next message, valid until the next call.
    [[nodiscard]] boost::asio::awaitable<result<stream_message>> receive();
    /// `done`: what PostgreSQL may forget.
    [[nodiscard]] boost::asio::awaitable<result<void>> confirm(lsn received, lsn done);

    void close() noexcept { stream_.close(); }
    [[nodiscard]] const std::string& why() const noexcept { return stream_.why(); }

private:
    [[nodiscard]] static boost::asio::awaitable<void> gather();

    connection stream_;
    /// Messages that did not have to be waited for, in one go.
    int at_once_ = 0;
    /// Those that had to be waited for, but not long.
    int in_a_row_ = 0;
};

}  // namespace shoal::relay
