#include "tests/load/domain/access_log.hpp"

#include <algorithm>

#include "common/core/ascii.hpp"

namespace shoal::load {
namespace {

/// What is before the first `end`, which is dropped from the line with it.
std::optional<std::string_view> take(std::string_view& line, std::string_view end) noexcept
{
    const auto found = line.find(end);
    if (found == std::string_view::npos || found == 0) return std::nullopt;
    const auto before = line.substr(0, found);
    line.remove_prefix(found + end.size());
    return before;
}

}  // namespace

std::optional<log_line> parse_log_line(std::string_view line) noexcept
{
    // address identity user [time] "method target version" status bytes ...
    const auto address = take(line, " ");
    if (!address || !take(line, " [") || !take(line, "] \"")) return std::nullopt;
    const auto method = take(line, " ");
    const auto target = take(line, " HTTP/");
    if (!method || !target) return std::nullopt;
    if (!std::ranges::all_of(*method, is_token) || !std::ranges::all_of(*target, is_visible)) return std::nullopt;
    return log_line{*address, *method, *target};
}

}  // namespace shoal::load
