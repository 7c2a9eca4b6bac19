#pragma once
// What goes into a script's call and comes out of it.

#include <array>
#include <bit>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

#include "common/redis/value.hpp"

namespace shoal::limiter {

/// Whole numbers as script arguments, without an allocation.
template <std::size_t Count>
class numbers {
public:
    explicit numbers(const std::array<std::int64_t, Count>& values)
    {
        for (std::size_t i = 0; i < Count; ++i) {
            const auto end = std::to_chars(digits_[i].data(), digits_[i].data() + digits_[i].size(), values[i]).ptr;
            views_[i] = {digits_[i].data(), static_cast<std::size_t>(end - digits_[i].data())};
        }
    }
    numbers(const numbers&) = delete;
    numbers& operator=(const numbers&) = delete;

    [[nodiscard]] const std::array<std::string_view, Count>& views() const { return views_; }

private:
    std::array<std::array<char, 20>, Count> digits_{};
    std::array<std::string_view, Count> views_{};
};

/// A reply of whole numbers, at most `Most` of them; `count` is set. Nothing when it is anything else.
template <std::size_t Most>
[[nodiscard]] std::optional<std::array<std::int64_t, Most>> read_numbers(const redis::value& from, std::size_t& count)
{
    const auto* parts = from.array();
    if (parts == nullptr || parts->size() > Most) return std::nullopt;
    std::array<std::int64_t, Most> read{};
    for (std::size_t i = 0; i < parts->size(); ++i) {
        const auto* number = (*parts)[i].integer();
        if (number == nullptr) return std::nullopt;
        read[i] = *number;
    }
    count = parts->size();
    return read;
}

/// Whole numbers below 2^53 as one argument of doubles, as `struct.pack('<d...')` has them: a script unpacks them
/// at a tenth of what it costs to receive and convert each.
template <std::size_t Most>
class packed {
    static_assert(std::endian::native == std::endian::little, "the scripts pack little-endian");

public:
    explicit packed(const std::array<std::int64_t, Most>& values)
    {
        for (std::size_t i = 0; i < Most; ++i) doubles_[i] = static_cast<double>(values[i]);
    }

    /// The first `count` of them.
    [[nodiscard]] std::string_view first(std::size_t count) const
    {
        return {reinterpret_cast<const char*>(doubles_.data()), count * sizeof(double)};
    }

private:
    std::array<double, Most> doubles_;
};

/// What `packed` made, or a script likewise; `count` is set.
template <std::size_t Most>
[[nodiscard]] std::optional<std::array<std::int64_t, Most>> unpack_numbers(const redis::value& from, std::size_t& count)
{
    const auto* text = from.text();
    if (text == nullptr || text->size() % sizeof(double) != 0 || text->size() > Most * sizeof(double))
        return std::nullopt;
    std::array<std::int64_t, Most> read{};
    count = text->size() / sizeof(double);
    for (std::size_t i = 0; i < count; ++i) {
        double number = 0;
        std::memcpy(&number, text->data() + i * sizeof number, sizeof number);
        constexpr double bound = 9007199254740992.0;
        if (!(number >= -bound && number <= bound)) return std::nullopt;
        read[i] = static_cast<std::int64_t>(number);
    }
    return read;
}

}  // namespace shoal::limiter
