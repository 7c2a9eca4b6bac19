#pragma once
// What a connection has still to send, in order: text of its own, and bytes that others keep, which are not copied
// unless they are less than 256.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <sys/uio.h>

#include "common/core/bytes.hpp"

namespace shoal::http {

class output {
public:
    enum class sent : std::uint8_t { all, some, failed };

    /// To be appended to: what is appended follows all that was added before.
    [[nodiscard]] std::string& text() noexcept { return text_; }
    void add(shared_bytes piece);
    /// `length` bytes from `offset` on of the pieces, which `owner` keeps together with the span itself.
    void add(keeper owner, std::span<const std::string_view> pieces, std::uint64_t offset, std::uint64_t length);

    [[nodiscard]] bool empty() const noexcept { return size() == 0; }
    /// Bytes that wait.
    [[nodiscard]] std::uint64_t size() const noexcept { return kept_size_ + text_.size() - text_sent_; }
    /// Bytes that were ever handed over.
    [[nodiscard]] std::uint64_t total() const noexcept { return total_; }

    /// Hands over what the kernel takes at once, and lets go of it.
    [[nodiscard]] sent send(int descriptor);

private:
    /// A part of text_ (then `current` is null), or bytes of an owner.
    struct run {
        keeper owner;
        std::string_view current;
        /// The views behind `current`, as many as `rest` needs.
        const std::string_view* next;
        /// Bytes not sent, those of `current` among them.
        std::uint64_t rest;

        [[nodiscard]] bool is_text() const noexcept { return current.data() == nullptr; }
    };

    void seal_text();
    [[nodiscard]] std::size_t gather(std::span<iovec> into, std::size_t& bytes) const;
    [[nodiscard]] ssize_t hand_over(int descriptor, std::size_t& wanted) const;
    void advance(std::size_t count);
    void compact();
    void reset();

    std::string text_;
    /// Text before it is sent.
    std::size_t text_sent_ = 0;
    /// Text before it has a run; with no runs at all there is only text.
    std::size_t text_sealed_ = 0;
    std::vector<run> runs_;
    std::size_t first_ = 0;
    std::uint64_t kept_size_ = 0;
    std::uint64_t total_ = 0;
};

}  // namespace shoal::http
