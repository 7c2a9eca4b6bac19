#include "services/cache/store/second_level_entry.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "services/cache/memory/record.hpp"

namespace shoal::cache {
namespace {

constexpr char head_letter = 'h';
constexpr char piece_letter = 'p';
constexpr char end_letter = 'e';
constexpr char lost_letter = 'x';

std::optional<std::uint64_t> number(std::string_view text)
{
    std::uint64_t made = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), made);
    if (failed != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return made;
}

/// After the letter: the length or nothing, a space, the size of the lines, a space; lines, record.
std::optional<shared_head> read_head(std::string_view from, wall_clock::time_point wall_now, boot_time now)
{
    const auto first = from.find(' ');
    const auto second = first == from.npos ? from.npos : from.find(' ', first + 1);
    if (second == from.npos) return std::nullopt;
    const auto length = number(from.substr(0, first));
    const auto size = number(from.substr(first + 1, second - first - 1));
    from.remove_prefix(second + 1);
    if ((first > 0 && !length) || !size || *size > from.size()) return std::nullopt;
    shared_head made;
    made.length = length;
    made.lines = from.substr(0, *size);
    made.kept = decode(std::string{from.substr(*size)}, wall_now, now);
    if (made.kept == nullptr) return std::nullopt;
    return made;
}

}  // namespace

std::string head_entry(const shared_head& head)
{
    std::string made{head_letter};
    if (head.length) made += std::to_string(*head.length);
    made.append(" ").append(std::to_string(head.lines.size())).append(" ");
    return made.append(head.lines).append(encode(*head.kept));
}

std::string piece_entry(std::string_view bytes)
{
    std::string made;
    made.reserve(bytes.size() + 1);
    made.push_back(piece_letter);
    return made.append(bytes);
}

std::string end_entry(std::string_view trailers)
{
    return std::string{end_letter}.append(trailers);
}

std::string lost_entry()
{
    return std::string{lost_letter};
}

std::optional<fill_follower::news> read_entry(std::string entry, wall_clock::time_point wall_now, boot_time now)
{
    using step = fill_follower::step;
    if (entry.empty()) return std::nullopt;
    fill_follower::news made;
    switch (entry.front()) {
    case head_letter:
        made.what = step::head;
        made.head = read_head(std::string_view{entry}.substr(1), wall_now, now);
        if (!made.head) return std::nullopt;
        return made;
    case piece_letter:
        made.what = step::piece;
        made.piece = share(std::move(entry));
        made.piece.view.remove_prefix(1);
        return made;
    case end_letter:
        made.what = step::end;
        made.trailers = entry.substr(1);
        return made;
    case lost_letter: made.what = step::lost; return made;
    default: return std::nullopt;
    }
}

}  // namespace shoal::cache
