#pragma once
// One connection to the target, and at most one request on it at a time.

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/intrusive/list_hook.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "tests/load/edge/response_reader.hpp"
#include "tests/load/edge/target.hpp"

namespace shoal::load {

/// A request that is due, from its arrival until its fate is known.
struct pending {
    std::uint64_t number = 0;
    std::size_t step = 0;
    std::uint32_t key = 0;
    bool retried = false;
    std::chrono::nanoseconds intended{};
};

class connection;

/// Told what happens on a connection, which may be closed in each of the calls.
class connection_owner {
public:
    virtual ~connection_owner() = default;
    virtual void on_connected(connection& on) = 0;
    virtual void on_answer(connection& on) = 0;
    /// It is of no more use. With a request on it, `how` is what became of that; without one it only ended.
    virtual void on_lost(connection& on, fate how, std::string_view detail) = 0;
};

/// A state machine on callbacks: a coroutine's frame for each request would cost more than the request.
/// What it waits for keeps it alive: a handler may be due already when it is closed.
class connection : public boost::intrusive::list_base_hook<>, public std::enable_shared_from_this<connection> {
public:
    connection(boost::asio::io_context& loop, connection_owner& owner, const interest& wanted, std::string& buffer);
    ~connection();
    connection(const connection&) = delete;
    connection& operator=(const connection&) = delete;

    void connect(const endpoint& to);
    /// Writes a request. Only when connected, with none that waits for its answer.
    void send(std::string_view bytes, bool to_head);
    /// Nobody is told of it any more.
    void close();

    /// Another request may be sent on it.
    [[nodiscard]] bool reusable() const noexcept { return reader_.reusable() && !writing_; }

    [[nodiscard]] const response_reader& reader() const noexcept { return reader_; }
    /// Answers that came on it so far.
    [[nodiscard]] std::uint64_t answered() const noexcept { return answered_; }
    /// Bytes that came since the last call.
    [[nodiscard]] std::size_t take_received() noexcept { return std::exchange(received_, 0); }

    /// What the owner keeps with it: the request that is on it, or that waits for it to be connected.
    std::optional<pending> request;
    std::chrono::nanoseconds sent{-1};
    std::uint64_t newest_when_sent = 0;
    /// Where it is among the owner's, and in which of its lists.
    std::size_t slot = 0;
    bool idle = false;

private:
    void watch();
    void on_readable();
    void write(std::string_view rest);
    void on_received(std::size_t count);
    void lose(const boost::system::error_code& why);

    boost::asio::generic::stream_protocol::socket socket_;
    connection_owner& owner_;
    response_reader reader_;
    /// For receiving into, of all connections: nothing stays in it.
    std::string& buffer_;
    /// The rest of a request that the socket did not take at once.
    std::string unsent_;
    bool writing_ = false;
    bool waiting_ = false;
    bool closed_ = false;
    std::uint64_t answered_ = 0;
    std::size_t received_ = 0;
};

}  // namespace shoal::load
