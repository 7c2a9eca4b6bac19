#include "services/cache/site/query.hpp"

#include <algorithm>
#include <optional>

#include <boost/container/small_vector.hpp>

#include "services/cache/site/path.hpp"

namespace shoal::cache {
namespace {

constexpr std::string_view name_of(std::string_view pair) noexcept
{
    return pair.substr(0, pair.find('='));
}

bool stays(std::string_view name, const query_rule& by)
{
    const auto matches = [name](const glob& one) { return one.matches(name); };
    if (std::ranges::any_of(by.drop, matches)) return false;
    return by.keep.empty() || std::ranges::any_of(by.keep, matches);
}

/// The next pair that is not empty, off the front of `rest`.
std::optional<std::string_view> next_pair(std::string_view& rest) noexcept
{
    while (!rest.empty()) {
        const auto end = std::min(rest.find('&'), rest.size());
        const auto pair = rest.substr(0, end);
        rest.remove_prefix(std::min(end + 1, rest.size()));
        if (!pair.empty()) return pair;
    }
    return std::nullopt;
}

/// What is in `of` behind `from`: by name, and of equal names the first stays the first.
void sort_pairs(std::string& of, std::size_t from)
{
    boost::container::small_vector<std::string_view, 32> pairs;
    boost::container::small_vector<char, 1024> copy{of.begin() + static_cast<std::ptrdiff_t>(from), of.end()};
    std::string_view rest{copy.data(), copy.size()};
    while (const auto pair = next_pair(rest)) pairs.push_back(*pair);

    // By place where names are equal, which makes the sort stable without std::stable_sort's allocation.
    const auto before = [](std::string_view a, std::string_view b) {
        const auto order = name_of(a).compare(name_of(b));
        return order < 0 || (order == 0 && a.data() < b.data());
    };
    if (std::ranges::is_sorted(pairs, before)) return;
    std::ranges::sort(pairs, before);
    of.resize(from);
    for (const auto& pair : pairs) {
        if (of.size() > from) of += '&';
        of.append(pair);
    }
}

}  // namespace

void append_query(std::string& into, std::string_view query, const query_rule& by)
{
    const auto mark = into.size();
    into += '?';
    if (!by.changes()) {
        append_encoded(into, query);
        return;
    }
    const auto from = into.size();
    while (const auto pair = next_pair(query)) {
        const auto separator = into.size();
        if (separator > from) into += '&';
        const auto start = into.size();
        append_encoded(into, *pair);
        if (!stays(name_of(std::string_view{into}.substr(start)), by)) into.resize(separator);
    }
    if (into.size() == from) into.resize(mark);
    if (by.sort && into.size() > from) sort_pairs(into, from);
}

}  // namespace shoal::cache
