#include "common/http/reader.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

#include "common/http/server.hpp"

namespace shoal::http {
namespace {

constexpr std::size_t initial_capacity = 4 * 1024;
/// A buffer that grew beyond this is given back once it is empty.
constexpr std::size_t kept_capacity = 16 * 1024;
/// Of the buffer that a streamed body gets when little room is left behind its head.
constexpr std::size_t body_capacity = 64 * 1024;

}  // namespace

request_reader::request_reader(const limits& bounds, bodies mode) : bounds_{bounds}, mode_{mode}
{
    resize(initial_capacity);
}

std::span<char> request_reader::prepare()
{
    if (body_open_) return prepare_body();
    assert(state_ != state::ready);
    if (begin_ == end_) {
        begin_ = end_ = 0;
        if (capacity_ > kept_capacity) resize(initial_capacity);
    }
    if (end_ == capacity_) make_room();
    return {buffer_.get() + end_, capacity_ - end_};
}

/// Moves what is there to the front, or into a larger buffer. The head is read again where views point into it.
void request_reader::make_room()
{
    if (state_ == state::body && facts_.chunked) {
        char* const body = buffer_.get() + begin_ + head_length_;
        const auto waiting = size() - head_length_ - chunks_.raw();
        std::memmove(body + chunks_.decoded(), body + chunks_.raw(), waiting);
        end_ = begin_ + head_length_ + chunks_.decoded() + waiting;
        chunks_.compacted();
    }
    if (begin_ > 0) {
        std::memmove(buffer_.get(), buffer_.get() + begin_, size());
        end_ -= begin_;
        begin_ = 0;
    }
    if (end_ > capacity_ - capacity_ / 4) resize(2 * capacity_);
    if (state_ == state::body) (void)parse_head(received().substr(0, head_length_), request_, facts_);
}

void request_reader::resize(std::size_t capacity)
{
    auto larger = std::make_unique_for_overwrite<char[]>(capacity);
    if (end_ > begin_) std::memcpy(larger.get(), buffer_.get() + begin_, size());
    end_ -= begin_;
    begin_ = 0;
    buffer_ = std::move(larger);
    capacity_ = capacity;
}

request_reader::state request_reader::commit(std::size_t count)
{
    end_ += count;
    return advance();
}

request_reader::state request_reader::next()
{
    assert(state_ == state::ready && !body_open_);
    begin_ += message_length_;
    head_.reset();
    request_.clear();
    state_ = state::idle;
    may_skip_line_ = true;
    scanner_ = {};
    return advance();
}

bool request_reader::take_continue() noexcept
{
    return (state_ == state::body || body_open_) && std::exchange(continue_due_, false);
}

request_reader::state request_reader::advance()
{
    if (state_ == state::idle && skip_empty_line()) state_ = state::head;
    if (state_ == state::head) read_head();
    if (state_ == state::body) facts_.chunked ? read_chunks() : read_body();
    return state_;
}

/// One before a request line is ignored (RFC 9112, 2.2). True when the request line has begun.
bool request_reader::skip_empty_line()
{
    if (may_skip_line_ && received() == "\r") return false;
    if (may_skip_line_ && received().starts_with("\r\n")) {
        may_skip_line_ = false;
        begin_ += 2;
    }
    return size() > 0;
}

request_reader::state request_reader::refuse(const refusal& why)
{
    refused_ = why;
    return state_ = state::refused;
}

request_reader::state request_reader::read_head()
{
    const auto length = scanner_.scan(received(), bounds_);
    if (scanner_.refused()) return refuse(*scanner_.refused());
    if (!length) return state_;
    head_length_ = *length;
    if (const auto refused = parse_head(received().substr(0, head_length_), request_, facts_)) return refuse(*refused);
    if (facts_.content_length.value_or(0) > bounds_.body) return refuse({413, "too_large", "the body is too large"});
    if (facts_.chunked) chunks_ = chunk_decoder{bounds_.body};
    state_ = state::body;
    // Who has begun to send the body does not wait.
    continue_due_ = facts_.expects_continue && facts_.http11 && size() == head_length_;
    if (mode_ == bodies::streamed) open_body();
    return state_;
}

void request_reader::open_body()
{
    begin_ += head_length_;
    floor_ = begin_;
    message_length_ = 0;
    body_left_ = facts_.content_length.value_or(0);
    body_open_ = facts_.chunked || body_left_ > 0;
    continue_due_ = continue_due_ && body_open_;
    state_ = state::ready;
}

std::string_view request_reader::next_piece()
{
    if (!body_open_) return {};
    if (facts_.chunked) return next_chunks();
    const auto piece = received().substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(size(), body_left_)));
    begin_ += piece.size();
    body_left_ -= piece.size();
    body_open_ = body_left_ > 0;
    return piece;
}

/// What was decoded before a chunk that is refused is given before the refusal.
std::string_view request_reader::next_chunks()
{
    chunks_.decode({buffer_.get() + begin_, size()});
    const auto piece = received().substr(0, chunks_.decoded());
    if (piece.empty() && chunks_.refused()) {
        refuse(*chunks_.refused());
        return {};
    }
    begin_ += chunks_.raw();
    chunks_.taken();
    body_open_ = !chunks_.done();
    return piece;
}

std::string_view request_reader::trailers() const noexcept
{
    return facts_.chunked && !body_open_ ? std::string_view{chunks_.trailers()} : std::string_view{};
}

/// What waits here is a chunk's line that is not complete, or nothing.
std::span<char> request_reader::prepare_body()
{
    if (begin_ > floor_) {
        std::memmove(buffer_.get() + floor_, buffer_.get() + begin_, size());
        end_ = floor_ + size();
        begin_ = floor_;
    }
    const auto wanted = facts_.chunked ? kept_capacity : std::min<std::uint64_t>(body_left_, kept_capacity);
    if (capacity_ - end_ < wanted) set_head_aside();
    return {buffer_.get() + end_, capacity_ - end_};
}

void request_reader::set_head_aside()
{
    auto body = std::make_unique_for_overwrite<char[]>(body_capacity);
    std::memcpy(body.get(), buffer_.get() + begin_, size());
    end_ = size();
    begin_ = floor_ = 0;
    if (head_ == nullptr) head_ = std::move(buffer_);
    buffer_ = std::move(body);
    capacity_ = body_capacity;
}

request_reader::state request_reader::read_body()
{
    const auto length = static_cast<std::size_t>(facts_.content_length.value_or(0));
    if (size() - head_length_ < length) return state_;
    request_.body = received().substr(head_length_, length);
    message_length_ = head_length_ + length;
    return state_ = state::ready;
}

request_reader::state request_reader::read_chunks()
{
    chunks_.decode({buffer_.get() + begin_ + head_length_, size() - head_length_});
    if (chunks_.refused()) return refuse(*chunks_.refused());
    if (!chunks_.done()) return state_;
    request_.body = received().substr(head_length_, chunks_.decoded());
    message_length_ = head_length_ + chunks_.raw();
    return state_ = state::ready;
}

}  // namespace shoal::http
