#include "common/http/output.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include <sys/socket.h>

namespace shoal::http {
namespace {

constexpr std::size_t most_vectors = 64;
/// Copying less costs less than a vector for the kernel, and bounds how many pieces wait.
constexpr std::size_t shortest_kept = 256;
/// What is kept for the next answers.
constexpr std::size_t kept_text = 16 * 1024;
constexpr std::size_t kept_runs = 64;

}  // namespace

void output::add(shared_bytes piece)
{
    if (piece.view.size() < shortest_kept) {
        text_.append(piece.view);
        return;
    }
    seal_text();
    kept_size_ += piece.view.size();
    runs_.push_back({std::move(piece.owner), piece.view, nullptr, piece.view.size()});
}

void output::add(keeper owner, std::span<const std::string_view> pieces, std::uint64_t offset, std::uint64_t length)
{
    if (length == 0) return;
    auto at = pieces.begin();
    for (; at->size() <= offset; ++at) offset -= at->size();
    if (length < shortest_kept) {
        for (; length > 0; ++at) {
            const auto part = at->substr(static_cast<std::size_t>(offset), static_cast<std::size_t>(length));
            text_.append(part);
            length -= part.size();
            offset = 0;
        }
        return;
    }
    seal_text();
    kept_size_ += length;
    runs_.push_back({std::move(owner), at->substr(static_cast<std::size_t>(offset)), &*at + 1, length});
}

/// Gives the text that has no run yet its own, or to the last one.
void output::seal_text()
{
    const auto from = std::max(text_sealed_, text_sent_);
    text_sealed_ = text_.size();
    if (from == text_.size()) return;
    if (first_ < runs_.size() && runs_.back().is_text())
        runs_.back().rest += text_.size() - from;
    else
        runs_.push_back({nullptr, {}, nullptr, text_.size() - from});
}

output::sent output::send(int descriptor)
{
    if (first_ < runs_.size()) seal_text();
    while (!empty()) {
        std::size_t wanted = 0;
        const auto count = hand_over(descriptor, wanted);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0 && errno != EAGAIN && errno != EWOULDBLOCK) return sent::failed;
        if (count > 0) advance(static_cast<std::size_t>(count));
        if (count < 0 || static_cast<std::size_t>(count) < wanted) {
            compact();
            return sent::some;
        }
    }
    reset();
    return sent::all;
}

ssize_t output::hand_over(int descriptor, std::size_t& wanted) const
{
    constexpr int flags = MSG_NOSIGNAL | MSG_DONTWAIT;
    if (first_ == runs_.size()) {
        wanted = text_.size() - text_sent_;
        return ::send(descriptor, text_.data() + text_sent_, wanted, flags);
    }
    std::array<iovec, most_vectors> vectors;
    msghdr message{};
    message.msg_iov = vectors.data();
    message.msg_iovlen = gather(vectors, wanted);
    return ::sendmsg(descriptor, &message, flags);
}

std::size_t output::gather(std::span<iovec> into, std::size_t& bytes) const
{
    std::size_t used = 0;
    const auto put = [&](std::string_view part) {
        // The kernel only reads what it is given here.
        into[used++] = {const_cast<char*>(part.data()), part.size()};
        bytes += part.size();
    };
    auto text_at = text_sent_;
    for (auto i = first_; i < runs_.size() && used < into.size(); ++i) {
        const auto& one = runs_[i];
        if (one.is_text()) {
            put({text_.data() + text_at, static_cast<std::size_t>(one.rest)});
            text_at += static_cast<std::size_t>(one.rest);
            continue;
        }
        auto rest = one.rest;
        auto part = one.current;
        for (const auto* next = one.next;; part = *next++) {
            part = part.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(rest, part.size())));
            rest -= part.size();
            if (!part.empty()) put(part);
            if (rest == 0 || used == into.size()) break;
        }
    }
    return used;
}

void output::advance(std::size_t count)
{
    total_ += count;
    if (first_ == runs_.size()) {
        text_sent_ += count;
        return;
    }
    while (count > 0) {
        auto& one = runs_[first_];
        const auto part = one.is_text()
                              ? static_cast<std::size_t>(one.rest)
                              : static_cast<std::size_t>(std::min<std::uint64_t>(one.rest, one.current.size()));
        const auto taken = std::min(count, part);
        count -= taken;
        one.rest -= taken;
        if (one.is_text()) {
            text_sent_ += taken;
        } else {
            kept_size_ -= taken;
            one.current.remove_prefix(taken);
            while (one.current.empty() && one.rest > 0) one.current = *one.next++;
        }
        if (one.rest > 0) continue;
        one.owner.reset();
        ++first_;
    }
}

/// Gives back what was sent of a queue that may never become empty.
void output::compact()
{
    if (first_ == runs_.size() || first_ >= kept_runs) {
        runs_.erase(runs_.begin(), runs_.begin() + static_cast<std::ptrdiff_t>(first_));
        first_ = 0;
    }
    if (text_sent_ < kept_text || text_sent_ < text_.size() / 2) return;
    text_.erase(0, text_sent_);
    text_sealed_ -= std::min(text_sealed_, text_sent_);
    text_sent_ = 0;
}

void output::reset()
{
    text_.clear();
    if (text_.capacity() > kept_text) text_.shrink_to_fit();
    runs_.clear();
    if (runs_.capacity() > kept_runs) runs_.shrink_to_fit();
    text_sent_ = text_sealed_ = first_ = 0;
}

}  // namespace shoal::http
