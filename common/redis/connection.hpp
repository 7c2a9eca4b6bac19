#pragma once
// One connection to Redis, from connect to close; it ends once and for ever. A reply can only reach the command
// that was sent on the same connection: every connection has a hiredis context of its own.

#include "common/metrics/metrics.hpp"
#include "common/redis/in_flight.hpp"
#include "common/redis/options.hpp"
#include "common/redis/reply_builder.hpp"

#include <boost/asio/io_context.hpp>

#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace shoal::redis {

class hiredis_adapter;

/// What a connection tells its owner, from inside hiredis: note it, post the rest, call nothing of the connection.
class connection_events {
public:
    virtual void opened() = 0;
    /// Exactly one of these two for every command that was sent; the reply may be moved from.
    virtual void answered(pending& command, value& reply) = 0;
    virtual void lost(pending& command) = 0;
    /// After the last lost(). For a connection that never opened as well.
    virtual void closed() = 0;

protected:
    ~connection_events() = default;
};

class connection {
public:
    connection(boost::asio::io_context& loop, connection_events& events, metrics::counter& writes);
    /// Closes. Not from inside an event.
    ~connection();
    connection(const connection&) = delete;
    connection& operator=(const connection&) = delete;

    /// Begins to connect; once. When false, failure() says why and no event comes.
    [[nodiscard]] bool open(const endpoint& where);

    /// Formats the command for this turn's write. When false, it was not and will not be sent.
    [[nodiscard]] bool send(pending& command, std::span<const std::string_view> arguments);

    /// Ends it with lost() for each unanswered command, then closed(). Nothing when it has ended already.
    void close(std::string_view why);

    [[nodiscard]] const std::string& failure() const noexcept { return failure_; }

private:
    static connection& of(const redisAsyncContext* context) noexcept;
    void on_gone();
    [[nodiscard]] std::string reason() const;

    boost::asio::io_context& loop_;
    connection_events& events_;
    metrics::counter& writes_;
    reply_builder replies_;
    std::shared_ptr<hiredis_adapter> adapter_;
    redisAsyncContext* context_ = nullptr;
    std::string failure_;
    std::string formatted_;
};

/// The number of arguments and each with its length, as RESP wants a command; replaces the content of `text`.
void format_command(std::string& text, std::span<const std::string_view> arguments);

}  // namespace shoal::redis
