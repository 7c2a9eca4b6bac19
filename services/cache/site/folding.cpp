#include "services/cache/site/folding.hpp"

#include <algorithm>
#include <optional>

#include <boost/container/small_vector.hpp>

#include "common/core/ascii.hpp"

namespace shoal::cache {
namespace {

/// Of one header; what is behind them is not looked at.
constexpr std::size_t most_choices = 64;

struct choice {
    std::string_view name;
    /// Thousandths.
    int weight = 1000;
};

using choices = boost::container::small_vector<choice, 16>;

/// qvalue of RFC 9110, 12.4.2; below zero for anything else.
int read_weight(std::string_view text) noexcept
{
    if (text.empty() || text.size() > 5 || (text[0] != '0' && text[0] != '1')) return -1;
    if (text.size() > 1 && text[1] != '.') return -1;
    int thousandths = (text[0] - '0') * 1000;
    for (int unit = 100; const char digit : text.substr(std::min<std::size_t>(2, text.size()))) {
        if (!is_digit(digit)) return -1;
        thousandths += (digit - '0') * unit;
        unit /= 10;
    }
    return thousandths > 1000 ? -1 : thousandths;
}

std::optional<choice> read_choice(std::string_view member) noexcept
{
    const auto mark = member.find(';');
    choice read{.name = protocol::trim(member.substr(0, mark))};
    if (mark != std::string_view::npos) {
        const auto parameter = protocol::trim(member.substr(mark + 1));
        if (!iequals(parameter.substr(0, 2), "q=")) return std::nullopt;
        read.weight = read_weight(parameter.substr(2));
    }
    if (read.name.empty() || read.weight < 0) return std::nullopt;
    return read;
}

/// What can't be read is as if it was not there.
choices read_choices(std::span<const field_view> fields, std::string_view field)
{
    choices all;
    protocol::list_members members{fields, field};
    for (std::size_t seen = 0; seen < most_choices; ++seen) {
        const auto member = members.next();
        if (!member) break;
        if (const auto one = read_choice(*member)) all.push_back(*one);
    }
    return all;
}

bool is_coding(std::string_view asked, std::string_view offered) noexcept
{
    // RFC 9110, 8.4.1: the old name of gzip.
    return iequals(asked, offered) || (iequals(asked, "x-gzip") && offered == "gzip");
}

/// Nothing when neither the coding nor "*" is there.
std::optional<int> weight_of(const choices& asked, std::string_view coding) noexcept
{
    std::optional<int> any;
    for (const auto& one : asked) {
        if (is_coding(one.name, coding)) return one.weight;
        if (one.name == "*" && !any) any = one.weight;
    }
    return any;
}

bool is_prefix(std::string_view prefix, std::string_view tag) noexcept
{
    return tag.size() > prefix.size() && tag[prefix.size()] == '-' && iequals(tag.substr(0, prefix.size()), prefix);
}

/// How well a range names a language: the same; the language is more general ("en" for en-GB); more special; any.
int closeness(std::string_view range, std::string_view language) noexcept
{
    if (iequals(range, language)) return 4;
    if (is_prefix(language, range)) return 3;
    if (is_prefix(range, language)) return 2;
    return range == "*" ? 1 : 0;
}

/// The closest range decides, the first of equal ones.
const choice* range_of(const choices& asked, std::string_view language) noexcept
{
    const choice* found = nullptr;
    int closest = 0;
    for (const auto& one : asked) {
        const int close = closeness(one.name, language);
        if (close <= closest) continue;
        closest = close;
        found = &one;
    }
    return found;
}

}  // namespace

std::string fold_encoding(std::span<const field_view> fields, const std::vector<std::string>& offered)
{
    const auto asked = read_choices(fields, "Accept-Encoding");
    std::string folded;
    for (const auto& coding : offered) {
        if (weight_of(asked, coding).value_or(0) == 0) continue;
        folded.append(folded.empty() ? "" : ", ").append(coding);
    }
    if (weight_of(asked, "identity").value_or(1) == 0)
        return folded.append(folded.empty() ? "" : ", ") + "identity;q=0";
    return folded.empty() ? "identity" : folded;
}

std::string fold_language(std::span<const field_view> fields, const std::vector<std::string>& offered)
{
    if (offered.empty()) return {};
    const auto asked = read_choices(fields, "Accept-Language");
    const std::string* best = &offered.front();
    const choice* liked = nullptr;
    for (const auto& language : offered) {
        const choice* const range = range_of(asked, language);
        if (range == nullptr || range->weight == 0) continue;
        const bool better =
            liked == nullptr || range->weight > liked->weight || (range->weight == liked->weight && range < liked);
        if (!better) continue;
        liked = range;
        best = &language;
    }
    return *best;
}

}  // namespace shoal::cache
