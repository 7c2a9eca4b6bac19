#pragma once
// Turns the bytes of one connection into requests, whole or with a body that is taken piece by piece. Does no I/O and
// knows no time; what comes out does not depend on how the bytes were cut.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "common/http/chunked.hpp"
#include "common/http/head.hpp"
#include "common/http/request.hpp"

namespace shoal::http {

struct limits;

class request_reader {
public:
    /// A request is ready when its body is there, or as soon as its head is.
    enum class bodies : std::uint8_t { whole, streamed };
    enum class state : std::uint8_t {
        /// No byte of the next request is there.
        idle,
        head,
        body,
        /// A request is there; its views hold until next().
        ready,
        /// The connection can't be read any further. When that shows in a streamed body, the request's views hold on.
        refused,
    };

    /// `bounds` lives longer than the reader.
    explicit request_reader(const limits& bounds, bodies mode = bodies::whole);

    /// Where the next bytes go: at least one. Not while a request is ready, but for its streamed body.
    [[nodiscard]] std::span<char> prepare();
    /// Says how many came, and looks at them.
    state commit(std::size_t count);
    /// Drops the request that is ready, whose body has ended, and looks at what follows.
    state next();

    [[nodiscard]] state current() const noexcept { return state_; }
    [[nodiscard]] bool streams() const noexcept { return mode_ == bodies::streamed; }
    [[nodiscard]] http::request& request() noexcept { return request_; }
    [[nodiscard]] const http::request& request() const noexcept { return request_; }
    [[nodiscard]] const head_facts& facts() const noexcept { return facts_; }
    /// Why, in state refused.
    [[nodiscard]] const refusal& refused() const noexcept { return *refused_; }
    /// True once, when the client waits for 100 Continue before it sends its body.
    [[nodiscard]] bool take_continue() noexcept;
    [[nodiscard]] bool awaits_continue() const noexcept { return continue_due_; }

    /// A streamed body has not ended, or has and nobody has seen that.
    [[nodiscard]] bool has_body() const noexcept { return body_open_; }
    /// What is left of a streamed body with a Content-Length.
    [[nodiscard]] std::uint64_t body_left() const noexcept { return body_left_; }
    /// The next piece of a streamed body, which holds until prepare(). Empty at its end, when more bytes are needed,
    /// and when it is refused.
    [[nodiscard]] std::string_view next_piece();
    /// Header lines after a streamed body, once it has ended.
    [[nodiscard]] std::string_view trailers() const noexcept;

private:
    [[nodiscard]] std::size_t size() const noexcept { return end_ - begin_; }
    [[nodiscard]] std::string_view received() const noexcept { return {buffer_.get() + begin_, size()}; }
    state advance();
    state refuse(const refusal& why);
    [[nodiscard]] bool skip_empty_line();
    state read_head();
    state read_body();
    state read_chunks();
    void open_body();
    [[nodiscard]] std::string_view next_chunks();
    [[nodiscard]] std::span<char> prepare_body();
    void set_head_aside();
    void make_room();
    void resize(std::size_t capacity);

    const limits& bounds_;
    bodies mode_;
    std::unique_ptr<char[]> buffer_;
    std::size_t capacity_ = 0;
    /// What was received and not dropped is in [begin_, end_).
    std::size_t begin_ = 0;
    std::size_t end_ = 0;

    state state_ = state::idle;
    bool may_skip_line_ = true;
    bool continue_due_ = false;
    head_scanner scanner_;
    std::size_t head_length_ = 0;
    /// Offset from begin_ of what follows the request that is ready.
    std::size_t message_length_ = 0;
    http::request request_;
    head_facts facts_;
    chunk_decoder chunks_;

    bool body_open_ = false;
    std::uint64_t body_left_ = 0;
    /// A streamed body must not overwrite what is before it in buffer_: its head.
    std::size_t floor_ = 0;
    /// The head, when the body has a buffer of its own.
    std::unique_ptr<char[]> head_;
    std::optional<refusal> refused_;
};

}  // namespace shoal::http
