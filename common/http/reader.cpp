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

}  // namespace

request_reader::request_reader(const limits& bounds) : bounds_{bounds}
{
    resize(initial_capacity);
}

std::span<char> request_reader::prepare()
{
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
    assert(state_ == state::ready);
    begin_ += message_length_;
    request_.clear();
    state_ = state::idle;
    may_skip_line_ = true;
    scanner_ = {};
    return advance();
}

bool request_reader::take_continue() noexcept
{
    return state_ == state::body && std::exchange(continue_due_, false);
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
    chunks_ = chunk_decoder{bounds_.body};
    state_ = state::body;
    // Who has begun to send the body does not wait.
    continue_due_ = facts_.expects_continue && facts_.http11 && size() == head_length_;
    return state_;
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
