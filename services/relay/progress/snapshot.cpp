#include "services/relay/progress/snapshot.hpp"

#include <algorithm>
#include <charconv>

namespace shoal::relay {
namespace {

/// Takes a number and the character after it, which must be one of `ends`; the text's end counts as '\0'.
std::optional<std::uint64_t> take_number(std::string_view& text, std::string_view ends, char& end) noexcept
{
    std::uint64_t number = 0;
    const auto [at, wrong] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (wrong != std::errc{}) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(at - text.data()));
    end = text.empty() ? '\0' : text.front();
    if (ends.find(end) == std::string_view::npos) return std::nullopt;
    if (text.empty()) return number;
    // A zero byte is no end.
    if (end == '\0') return std::nullopt;
    text.remove_prefix(1);
    return number;
}

}  // namespace

std::optional<snapshot> snapshot::parse(std::string_view text)
{
    using namespace std::string_view_literals;
    snapshot read;
    char end = ':';
    const auto xmin = take_number(text, ":", end);
    const auto xmax = xmin ? take_number(text, ":", end) : std::nullopt;
    if (!xmax || *xmax < *xmin) return std::nullopt;
    read.xmin_ = *xmin;
    read.xmax_ = *xmax;
    for (end = text.empty() ? '\0' : ','; end != '\0';) {
        const auto xid = take_number(text, ",\0"sv, end);
        if (!xid) return std::nullopt;
        read.running_.push_back(*xid);
    }
    std::sort(read.running_.begin(), read.running_.end());
    return read;
}

bool snapshot::sees(std::uint32_t xid) const noexcept
{
    const auto from_xmax = static_cast<std::int32_t>(xid - static_cast<std::uint32_t>(xmax_));
    const auto full = static_cast<std::uint64_t>(static_cast<std::int64_t>(xmax_) + from_xmax);
    if (full < xmin_) return true;
    return full < xmax_ && !std::binary_search(running_.begin(), running_.end(), full);
}

}  // namespace shoal::relay
