#pragma once
// Header fields out of a fuzzer's bytes.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "common/core/ascii.hpp"
#include "services/cache/protocol/fields.hpp"

namespace shoal::fuzz {

[[nodiscard]] inline std::string_view text_of(const std::uint8_t* data, std::size_t size) noexcept
{
    return {reinterpret_cast<const char*>(data), size};
}

/// Takes a line off, without what ends it.
[[nodiscard]] inline std::string_view next_line(std::string_view& rest) noexcept
{
    const std::size_t end = rest.find('\n');
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    return line;
}

/// A line each, "name:value"; with control characters there is none, as no reader of messages lets one through.
[[nodiscard]] inline std::vector<cache::field_view> fields_of(std::string_view text)
{
    std::vector<cache::field_view> fields;
    while (!text.empty()) {
        const std::string_view line = next_line(text);
        const std::size_t colon = line.find(':');
        bool good = colon != std::string_view::npos;
        for (const char c : line) good = good && !is_control(c);
        if (good) fields.push_back({line.substr(0, colon), line.substr(colon + 1)});
    }
    return fields;
}

/// What a target promises.
inline void expect(bool held) noexcept
{
    if (!held) std::abort();
}

}  // namespace shoal::fuzz
