#pragma once
// One connection to a server: bytes out, and into the reader, with a deadline for each wait.

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>

#include "common/core/error.hpp"
#include "common/http/response_reader.hpp"
#include "services/cache/origin/address.hpp"
#include "services/cache/origin/alarm.hpp"
#include "services/cache/origin/instruments.hpp"

#include <sys/uio.h>

namespace shoal::cache::origin {

/// One operation at a time, but for send_rest(). Owned by a shared_ptr. Reading and writing fail with origin_timeout,
/// and with origin_lost for every other end.
class connection final : public timed, public std::enable_shared_from_this<connection> {
public:
    connection(boost::asio::io_context& loop, std::shared_ptr<alarm> deadlines, std::shared_ptr<instruments> counts,
               const http::response_limits& bounds);
    ~connection();

    /// Fails with origin_unreachable, and may be called again then.
    [[nodiscard]] boost::asio::awaitable<result<void>> connect(endpoint where, boot_time deadline);

    enum class sent : std::uint8_t { all, some, failed };
    static constexpr std::size_t most_pieces = 3;
    /// Hands over what the kernel takes at once, in one call. The pieces are kept as views until all is sent.
    [[nodiscard]] sent send_now(std::span<const std::string_view> pieces);
    /// Waits until the rest is sent, maybe while another coroutine receives: what expires for that one does for this.
    [[nodiscard]] boost::asio::awaitable<sent> send_rest();
    /// Whoever receives finds the connection's end.
    void shut();

    /// Waits for bytes, or the connection's end, and gives them to the reader.
    [[nodiscard]] boost::asio::awaitable<result<void>> receive(boot_time deadline);
    /// Another deadline for who receives.
    void expire_at(boot_time deadline) { deadlines_->set(*this, deadline); }

    /// Open, and nothing has come. Costs a system call.
    [[nodiscard]] bool quiet() noexcept;

    http::response_reader reader;
    /// Its last request was not sent to its end: no other may follow.
    bool spoiled = false;

private:
    using socket_type = boost::asio::basic_stream_socket<boost::asio::generic::stream_protocol>;

    void expired() override;
    [[nodiscard]] boost::asio::awaitable<bool> connect_local(const endpoint& where, boot_time deadline);
    [[nodiscard]] sent flush();
    [[nodiscard]] errc why() const noexcept { return timed_out_ ? errc::origin_timeout : errc::origin_lost; }
    void begin_wait(boot_time deadline);

    boost::asio::io_context& loop_;
    std::shared_ptr<alarm> deadlines_;
    std::shared_ptr<instruments> counts_;
    socket_type socket_;
    std::array<iovec, most_pieces> out_{};
    /// The first of them that is not sent, and how many there are.
    std::size_t out_at_ = 0;
    std::size_t out_count_ = 0;
    bool timed_out_ = false;
};

}  // namespace shoal::cache::origin
