#pragma once
// Writes what PostgreSQL would send: piece by piece, or a whole message of its fields.

#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "services/relay/protocol/messages.hpp"

namespace shoal::relay {

class encoder {
public:
    explicit encoder(char letter) : made_(1, letter) {}

    /// Most significant byte first.
    template <class Number>
    encoder& number(Number what)
    {
        const auto bits = static_cast<std::make_unsigned_t<Number>>(what);
        for (int shift = static_cast<int>(sizeof(Number) - 1) * 8; shift >= 0; shift -= 8)
            made_.push_back(static_cast<char>(bits >> shift & 0xFFU));
        return *this;
    }
    encoder& letter(char what) { return number(what); }
    encoder& int8(unsigned what) { return number(static_cast<std::uint8_t>(what)); }
    encoder& int16(int what) { return number(static_cast<std::int16_t>(what)); }
    encoder& int32(std::int64_t what) { return number(static_cast<std::uint32_t>(what)); }
    encoder& int64(std::uint64_t what) { return number(what); }
    /// With the zero byte that ends it.
    encoder& text(std::string_view what) { return bytes(what).int8(0); }
    /// After its length.
    encoder& counted(std::string_view what) { return int32(static_cast<std::int64_t>(what.size())).bytes(what); }
    encoder& bytes(std::string_view what)
    {
        made_.append(what);
        return *this;
    }
    encoder& values(const row& what);

    [[nodiscard]] std::string done() { return std::move(made_); }

private:
    std::string made_;
};

/// Nothing of what is irrelevant, as it has no fields.
[[nodiscard]] std::string encode(const message& what);

}  // namespace shoal::relay
