#include "common/http/response_reader.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>

namespace shoal::http {
namespace {

/// Head and body of a small answer come with one recv.
constexpr std::size_t initial_capacity = 16 * 1024;
constexpr std::size_t most_piece = 64 * 1024;
/// Less room than this in a block is not worth a recv of its own.
constexpr std::size_t least_direct = 1024;
/// A body that comes in crumbs, of unknown length, may hold so much more memory than it has bytes: one part in 16.
constexpr std::uint64_t slack_share = 16;

}  // namespace

response_reader::response_reader(const response_limits& bounds)
    : bounds_{bounds}, buffer_{std::make_unique_for_overwrite<char[]>(initial_capacity)}, capacity_{initial_capacity}
{
}

void response_reader::begin(bool to_head)
{
    assert(reusable());
    state_ = state::head;
    to_head_ = to_head;
    begun_ = false;
    interims_ = 0;
    scanner_ = {};
    begin_ = end_ = 0;
}

std::span<char> response_reader::prepare()
{
    direct_ = finds_room_for_body();
    if (direct_) {
        const auto count = std::min<std::uint64_t>(room(), remaining());
        return {block_->data() + filled_, static_cast<std::size_t>(count)};
    }
    if (begin_ == end_) {
        begin_ = end_ = 0;
        if (capacity_ > initial_capacity) {
            buffer_ = std::make_unique_for_overwrite<char[]>(initial_capacity);
            capacity_ = initial_capacity;
        }
    }
    if (end_ == capacity_) make_room();
    return {buffer_.get() + end_, capacity_ - end_};
}

/// A body is received right into its block when nothing of it waits in the buffer and enough of it is known to come.
bool response_reader::finds_room_for_body()
{
    if (state_ != state::body || begin_ != end_ || remaining() == 0) return false;
    const auto enough = std::min<std::uint64_t>(remaining(), least_direct);
    if (room() >= enough) return true;
    if (framing_ == framing::chunked && remaining() < least_direct) return false;
    open_block(0);
    return true;
}

void response_reader::make_room()
{
    const auto size = end_ - begin_;
    if (size > capacity_ / 2) {
        auto larger = std::make_unique_for_overwrite<char[]>(2 * capacity_);
        std::memcpy(larger.get(), buffer_.get() + begin_, size);
        buffer_ = std::move(larger);
        capacity_ *= 2;
    } else {
        std::memmove(buffer_.get(), buffer_.get() + begin_, size);
    }
    begin_ = 0;
    end_ = size;
}

response_reader::state response_reader::commit(std::size_t count)
{
    begun_ = true;
    if (!direct_) {
        end_ += count;
        return state_ == state::head ? read_head() : state_;
    }
    filled_ += count;
    body_bytes_ += count;
    if (framing_ == framing::chunked)
        chunks_.took(count);
    else
        left_ -= count;
    return state_;
}

response_reader::state response_reader::end()
{
    keep_alive_ = false;
    if (state_ == state::body && framing_ == framing::until_close)
        state_ = state::done;
    else if (state_ == state::head || state_ == state::interim || state_ == state::body)
        state_ = state::cut_short;
    return state_;
}

response_reader::state response_reader::refuse(std::string_view why) noexcept
{
    refused_ = why;
    return state_ = state::malformed;
}

response_reader::state response_reader::read_head()
{
    const auto length = scanner_.scan(received(), bounds_);
    if (!scanner_.refused().empty()) return refuse(scanner_.refused());
    if (!length) return state_;

    auto text = response_block::make(*length);
    std::memcpy(text->data(), buffer_.get() + begin_, *length);
    begin_ += *length;
    head_.headers.reserve(scanner_.lines());
    const auto why = parse_response_head({text->data(), *length}, to_head_, head_);
    head_.text = std::move(text);
    if (!why.empty()) return refuse(why);
    if (head_.status >= 200) {
        begin_body();
        return state_ = state::body;
    }
    if (++interims_ > bounds_.interims) return refuse("too many interim answers");
    return state_ = state::interim;
}

response_reader::state response_reader::next()
{
    assert(state_ == state::interim);
    scanner_ = {};
    state_ = state::head;
    return read_head();
}

void response_reader::begin_body()
{
    framing_ = head_.body;
    keep_alive_ = head_.keep_alive;
    left_ = head_.length;
    if (framing_ == framing::chunked) chunks_ = chunk_stream{bounds_.head};
    body_bytes_ = 0;
    block_.reset();
    filled_ = given_ = 0;
}

std::uint64_t response_reader::remaining() const noexcept
{
    return framing_ == framing::chunked ? chunks_.remaining() : left_;
}

shared_bytes response_reader::take()
{
    if (state_ != state::body) return {};
    if (given_ == filled_) {
        const auto bytes = next_bytes();
        if (state_ != state::body) return {};
        if (room() < bytes.size()) open_block(bytes.size());
        if (!bytes.empty()) std::memcpy(block_->data() + filled_, bytes.data(), bytes.size());
        filled_ += bytes.size();
    }
    shared_bytes piece;
    if (given_ != filled_) piece = {{block_->data() + given_, filled_ - given_}, block_};
    given_ = filled_;
    finish_if_complete();
    return piece;
}

/// The room of an open block is used up before there is another.
std::size_t response_reader::most_at_once() const noexcept
{
    return room() >= least_direct ? room() : most_piece;
}

/// What the buffer has of the body; valid until prepare().
std::string_view response_reader::next_bytes()
{
    if (framing_ == framing::chunked) return unchunk();
    auto count = std::min(end_ - begin_, most_at_once());
    if (framing_ != framing::until_close) count = static_cast<std::size_t>(std::min<std::uint64_t>(count, left_));
    const std::string_view bytes{buffer_.get() + begin_, count};
    begin_ += count;
    body_bytes_ += count;
    if (framing_ != framing::until_close) left_ -= count;
    return bytes;
}

/// Brings the content of the chunks together at the place of the first one's.
std::string_view response_reader::unchunk()
{
    const auto most = most_at_once();
    char* content = nullptr;
    std::size_t size = 0;
    for (;;) {
        begin_ += chunks_.read_framing(received());
        if (chunks_.refused()) {
            refuse(chunks_.refused()->detail);
            return {};
        }
        const auto here = std::min<std::uint64_t>(end_ - begin_, most - size);
        const auto count = static_cast<std::size_t>(std::min(here, chunks_.remaining()));
        if (count == 0) break;
        char* const from = buffer_.get() + begin_;
        if (content == nullptr) content = from;
        if (content + size != from) std::memmove(content + size, from, count);
        size += count;
        begin_ += count;
        chunks_.took(count);
    }
    body_bytes_ += size;
    return {content, size};
}

void response_reader::open_block(std::size_t at_hand)
{
    const auto exact = std::min<std::uint64_t>(at_hand + std::min<std::uint64_t>(remaining(), most_piece), most_piece);
    const auto spare = framing_ == framing::length ? 0 : std::min<std::uint64_t>(body_bytes_ / slack_share, most_piece);
    block_ = response_block::make(static_cast<std::size_t>(std::max(exact, spare)));
    filled_ = given_ = 0;
}

void response_reader::finish_if_complete() noexcept
{
    if (framing_ == framing::until_close) return;
    if (framing_ == framing::chunked ? !chunks_.done() : left_ != 0) return;
    state_ = state::done;
    block_.reset();
    filled_ = given_ = 0;
}

}  // namespace shoal::http
