#pragma once
// Takes what PostgreSQL's messages consist of from the front of one, and remembers whether anything was wrong.

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

namespace shoal::relay {

/// What is taken after something was wrong is zero or empty: a reader of a message asks `is_whole` once, at its end.
class byte_reader {
public:
    explicit byte_reader(std::string_view bytes) noexcept : rest_{bytes} {}

    /// Most significant byte first.
    template <class Number>
    [[nodiscard]] Number number() noexcept
    {
        std::uint64_t made = 0;
        for (const char c : bytes(sizeof(Number))) made = made << 8U | static_cast<unsigned char>(c);
        return static_cast<Number>(static_cast<std::make_unsigned_t<Number>>(made));
    }
    [[nodiscard]] char letter() noexcept { return number<char>(); }
    /// One byte, 0 or 1.
    [[nodiscard]] bool flag() noexcept;
    /// A count of 16 bits, or a length or count of 32, that is signed on the wire. Wrong when negative or above `most`.
    [[nodiscard]] std::size_t count16(std::size_t most) noexcept;
    [[nodiscard]] std::size_t count32() noexcept;
    [[nodiscard]] std::string_view bytes(std::size_t size) noexcept;
    /// What stands before the next zero byte.
    [[nodiscard]] std::string_view text() noexcept;

    void fail() noexcept;
    [[nodiscard]] bool has_failed() const noexcept { return failed_; }
    [[nodiscard]] std::size_t left() const noexcept { return rest_.size(); }
    /// All was taken, and nothing was wrong.
    [[nodiscard]] bool is_whole() const noexcept { return !failed_ && rest_.empty(); }

private:
    std::string_view rest_;
    bool failed_ = false;
};

}  // namespace shoal::relay
