#include "services/cache/protocol/cache_status.hpp"

#include <algorithm>
#include <charconv>

#include "common/core/ascii.hpp"

namespace shoal::cache::protocol {
namespace {

constexpr std::array<std::string_view, 9> reasons{"",     "bypass",  "method", "uri-miss", "vary-miss",
                                                  "miss", "request", "stale",  "partial"};

constexpr std::string_view line_begins = "Cache-Status: ";
constexpr std::string_view line_ends = "\r\n";

/// sf-token: its first character is a letter.
bool is_detail(std::string_view text) noexcept
{
    return !text.empty() && to_lower(text.front()) >= 'a' && to_lower(text.front()) <= 'z' &&
           std::ranges::all_of(text, is_token);
}

}  // namespace

cache_status_line::cache_status_line(const cache_status& of) noexcept
{
    append(line_begins);
    append("shoal");
    if (of.hit) {
        append("; hit");
    } else if (of.forward != forward_reason::none) {
        append("; fwd=");
        append(reasons[static_cast<std::size_t>(of.forward)]);
        if (of.forward_status != 0) {
            append("; fwd-status=");
            append(static_cast<std::int64_t>(of.forward_status));
        }
    }
    if (of.ttl) {
        append("; ttl=");
        append(*of.ttl);
    }
    if (of.stored) append("; stored");
    if (of.collapsed) append("; collapsed");
    constexpr std::string_view detail = "; detail=";
    if (is_detail(of.detail) && size_ + detail.size() + of.detail.size() + 2 <= text_.size()) {
        append(detail);
        append(of.detail);
    }
    append(line_ends);
}

std::string_view cache_status_line::value() const noexcept
{
    auto text = view();
    text.remove_prefix(line_begins.size());
    text.remove_suffix(line_ends.size());
    return text;
}

void cache_status_line::append(std::string_view text) noexcept
{
    size_ += text.copy(text_.data() + size_, text_.size() - size_);
}

void cache_status_line::append(std::int64_t number) noexcept
{
    const auto [end, error] = std::to_chars(text_.data() + size_, text_.data() + text_.size(), number);
    if (error == std::errc{}) size_ = static_cast<std::size_t>(end - text_.data());
}

age_line::age_line(std::int64_t seconds) noexcept
{
    constexpr std::int64_t most = std::int64_t{1} << 31U;
    constexpr std::string_view name = "Age: ";
    name.copy(text_.data(), name.size());
    char* const end = std::to_chars(text_.data() + name.size(), text_.data() + text_.size() - 2,
                                    std::clamp<std::int64_t>(seconds, 0, most))
                          .ptr;
    end[0] = '\r';
    end[1] = '\n';
    size_ = static_cast<std::size_t>(end + 2 - text_.data());
}

}  // namespace shoal::cache::protocol
