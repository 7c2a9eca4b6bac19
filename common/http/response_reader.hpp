#pragma once
// An origin's answers out of the bytes of a connection, without I/O. Bodies come out in blocks that are received into
// where that is possible, and are never larger than what they hold.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "common/core/bytes.hpp"
#include "common/http/chunk_stream.hpp"
#include "common/http/response_block.hpp"
#include "common/http/response_head.hpp"

namespace shoal::http {

/// One per connection. begin(), then prepare() and commit() until the head is there, then take() and as many more.
class response_reader {
public:
    enum class state : std::uint8_t {
        head,
        /// An interim answer's head is there: see head(), then next().
        interim,
        /// The final head is there; the body may not be.
        body,
        /// All that belongs to the answer was received and taken.
        done,
        /// The bytes are no answer: refused() says why.
        malformed,
        /// The connection ended too early.
        cut_short,
    };

    explicit response_reader(const response_limits& bounds);

    /// Expects an answer; `to_head` to a HEAD. After reusable() only.
    void begin(bool to_head);

    /// Where to receive into, not empty. Its bytes are unchanged until commit().
    [[nodiscard]] std::span<char> prepare();
    state commit(std::size_t count);
    /// The connection has ended.
    state end();

    [[nodiscard]] state current() const noexcept { return state_; }
    /// Something has come since begin().
    [[nodiscard]] bool begun() const noexcept { return begun_; }
    /// Drops an interim answer.
    state next();
    [[nodiscard]] const response_head& head() const noexcept { return head_; }
    /// The final head, which stays valid on its own.
    [[nodiscard]] response_head release_head() noexcept { return std::move(head_); }

    /// What there is of the body and was not taken, at most 64 KiB; empty when more must be received, or at its end.
    [[nodiscard]] shared_bytes take();
    [[nodiscard]] const std::string& trailers() const noexcept { return chunks_.trailers(); }

    [[nodiscard]] std::string_view refused() const noexcept { return refused_; }
    /// Another request may follow on the connection: the answer was read to its end and nothing came after it.
    [[nodiscard]] bool reusable() const noexcept { return state_ == state::done && keep_alive_ && begin_ == end_; }

private:
    [[nodiscard]] std::string_view received() const noexcept { return {buffer_.get() + begin_, end_ - begin_}; }
    state refuse(std::string_view why) noexcept;
    state read_head();
    void begin_body();
    void make_room();
    /// Bytes of the body that are known to follow those that were received.
    [[nodiscard]] std::uint64_t remaining() const noexcept;
    [[nodiscard]] std::size_t room() const noexcept { return block_ ? block_->capacity() - filled_ : 0; }
    [[nodiscard]] bool finds_room_for_body();
    [[nodiscard]] std::size_t most_at_once() const noexcept;
    [[nodiscard]] std::string_view next_bytes();
    [[nodiscard]] std::string_view unchunk();
    void open_block(std::size_t at_hand);
    void finish_if_complete() noexcept;

    response_limits bounds_;
    /// What was received and not looked at is in [begin_, end_).
    std::unique_ptr<char[]> buffer_;
    std::size_t capacity_;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;

    state state_ = state::done;
    bool to_head_ = false;
    bool begun_ = false;
    bool keep_alive_ = true;
    /// prepare() gave room of the block, not of the buffer.
    bool direct_ = false;
    framing framing_ = framing::none;
    std::size_t interims_ = 0;
    response_scanner scanner_;
    response_head head_;
    std::string_view refused_;

    /// With a length: what is left to receive of it.
    std::uint64_t left_ = 0;
    chunk_stream chunks_;
    std::uint64_t body_bytes_ = 0;
    /// [given_, filled_) of the block waits to be taken.
    boost::intrusive_ptr<response_block> block_;
    std::size_t filled_ = 0;
    std::size_t given_ = 0;
};

}  // namespace shoal::http
