#include "common/http/request.hpp"

#include <algorithm>
#include <utility>

#include "common/core/ascii.hpp"

namespace shoal::http {

std::optional<std::string_view> request::find(field name) const noexcept
{
    const auto at = std::ranges::find(headers, name, &header::name);
    if (at == headers.end()) return std::nullopt;
    return at->value;
}

std::optional<std::string_view> request::find(std::string_view name) const noexcept
{
    const auto at = std::ranges::find_if(headers, [name](const header& one) { return iequals(one.name_text, name); });
    if (at == headers.end()) return std::nullopt;
    return at->value;
}

void request::add_timing(std::string_view name, std::chrono::nanoseconds duration) noexcept
{
    const auto end = timings_.begin() + static_cast<std::ptrdiff_t>(timing_count_);
    if (const auto at = std::find_if(timings_.begin(), end, [name](const timing& one) { return one.name == name; });
        at != end) {
        at->duration += duration;
        return;
    }
    if (timing_count_ < timings_.size()) timings_[timing_count_++] = {name, duration};
}

void request::clear() noexcept
{
    std::vector<header> memory = std::move(headers);
    memory.clear();
    *this = request{};
    headers = std::move(memory);
}

}  // namespace shoal::http
