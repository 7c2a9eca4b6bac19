#pragma once
// The exchange that a session lends to its stream handler.

#include <cstdint>
#include <optional>
#include <string_view>

#include "common/http/exchange.hpp"

namespace shoal::http {

class session;

class session_exchange final : public exchange {
public:
    explicit session_exchange(session& of) noexcept : of_{of} {}

    /// Makes it ready for the next request.
    void reset() noexcept
    {
        stage_ = stage::waiting;
        bodiless_ = true;
    }
    [[nodiscard]] bool complete() const noexcept { return stage_ == stage::complete; }
    [[nodiscard]] unsigned status() const noexcept { return status_; }
    /// It has a body that was begun, and only the connection's end ends it.
    [[nodiscard]] bool ends_with_connection() const noexcept { return begun() && !bodiless_ && !chunked_ && !left_; }

    [[nodiscard]] bool has_body() const noexcept override;
    [[nodiscard]] std::optional<std::uint64_t> body_length() const noexcept override;
    [[nodiscard]] boost::asio::awaitable<result<std::string_view>> read() override;
    [[nodiscard]] std::string_view trailers() const noexcept override;
    [[nodiscard]] boost::asio::awaitable<result<void>> interim(unsigned status, std::string_view lines) override;
    [[nodiscard]] boost::asio::awaitable<result<void>> begin(streamed_head head) override;
    [[nodiscard]] boost::asio::awaitable<result<void>> write(shared_bytes piece) override;
    [[nodiscard]] boost::asio::awaitable<result<void>> end(std::string_view trailers) override;
    void cut() noexcept override;
    [[nodiscard]] bool begun() const noexcept override { return stage_ != stage::waiting; }
    [[nodiscard]] bool abandoned() const noexcept override;
    void answer(response whole) override;
    void answer(prepared whole) override;

private:
    enum class stage : std::uint8_t { waiting, begun, complete };

    void add_piece(shared_bytes piece);
    [[nodiscard]] errc refuse_body(bool again);
    /// Cuts an answer that does not have the length it said.
    [[nodiscard]] errc break_off();

    session& of_;
    stage stage_ = stage::waiting;
    unsigned status_ = 0;
    /// The body is not sent: HEAD, 204, 304.
    bool bodiless_ = true;
    bool chunked_ = false;
    /// Of a body whose length is known, what was not written yet.
    std::optional<std::uint64_t> left_;
};

}  // namespace shoal::http
