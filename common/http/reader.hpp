#pragma once
// Turns the bytes of one connection into requests. Does no I/O and knows no time; what comes out does not
// depend on how the bytes were cut.

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
    enum class state : std::uint8_t {
        /// No byte of the next request is there.
        idle,
        head,
        body,
        /// A request is complete; its views hold until next().
        ready,
        /// The connection can't be read any further.
        refused,
    };

    /// `bounds` lives longer than the reader.
    explicit request_reader(const limits& bounds);

    /// Where the next bytes go: at least one. Not while a request is ready.
    [[nodiscard]] std::span<char> prepare();
    /// Says how many came, and looks at them.
    state commit(std::size_t count);
    /// Drops the request that is ready and looks at what follows.
    state next();

    [[nodiscard]] state current() const noexcept { return state_; }
    [[nodiscard]] http::request& request() noexcept { return request_; }
    [[nodiscard]] const head_facts& facts() const noexcept { return facts_; }
    /// Why, in state refused.
    [[nodiscard]] const refusal& refused() const noexcept { return *refused_; }
    /// True once, when the client waits for 100 Continue before it sends its body.
    [[nodiscard]] bool take_continue() noexcept;

private:
    [[nodiscard]] std::size_t size() const noexcept { return end_ - begin_; }
    [[nodiscard]] std::string_view received() const noexcept { return {buffer_.get() + begin_, size()}; }
    state advance();
    state refuse(const refusal& why);
    [[nodiscard]] bool skip_empty_line();
    state read_head();
    state read_body();
    state read_chunks();
    void make_room();
    void resize(std::size_t capacity);

    const limits& bounds_;
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
    std::optional<refusal> refused_;
};

}  // namespace shoal::http
