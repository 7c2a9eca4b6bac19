#include "services/cache/warm/listing.hpp"

#include "services/cache/store/second_level_keys.hpp"

namespace shoal::cache {
namespace {

std::optional<listed> read_line(std::string_view line)
{
    constexpr std::size_t before_name = 3;
    if (line.size() < before_name || line[2] != ' ') return std::nullopt;
    const bool in_main = line[0] == 'm';
    if (!in_main && line[0] != 's') return std::nullopt;
    if (line[1] < '0' || line[1] > '0' + s3_fifo::most_uses) return std::nullopt;
    const auto name = line.substr(before_name);
    if (!is_record_name(name)) return std::nullopt;
    return listed{{.in_main = in_main, .uses = static_cast<std::uint8_t>(line[1] - '0')}, name};
}

}  // namespace

void append_line(std::string& to, const stored& what, s3_fifo::rank rank)
{
    to.push_back(rank.in_main ? 'm' : 's');
    to.push_back(static_cast<char>('0' + rank.uses));
    to.push_back(' ');
    to.append(record_name(what));
    to.push_back('\n');
}

std::optional<std::vector<listed>> read_listing(std::string_view text)
{
    std::vector<listed> made;
    if (text.size() > most_listing_bytes) return std::nullopt;
    while (!text.empty()) {
        const auto end = text.find('\n');
        if (end == std::string_view::npos || made.size() == most_listed) return std::nullopt;
        const auto line = read_line(text.substr(0, end));
        if (!line) return std::nullopt;
        made.push_back(*line);
        text.remove_prefix(end + 1);
    }
    return made;
}

}  // namespace shoal::cache
