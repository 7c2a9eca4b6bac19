#include "services/cache/protocol/vary.hpp"

#include <algorithm>
#include <charconv>
#include <vector>

#include "common/core/ascii.hpp"

namespace shoal::cache::protocol {
namespace {

/// Between the values of two names, and before one that is there: no field value has control characters.
constexpr char next_name = '\n';
constexpr char present = '\x01';

/// Thousandths; what can't be read weighs as if it were not given.
int weight_of(std::string_view parameters) noexcept
{
    while (!parameters.empty()) {
        const std::size_t end = std::min(parameters.find(';'), parameters.size());
        const std::string_view one = trim(parameters.substr(0, end));
        parameters.remove_prefix(std::min(end + 1, parameters.size()));
        if (one.size() < 3 || to_lower(one[0]) != 'q' || one[1] != '=') continue;
        int thousandths = one[2] == '1' ? 1000 : 0;
        int unit = 100;
        for (std::size_t at = 4; at < one.size() && is_digit(one[at]) && thousandths < 1000; ++at, unit /= 10) {
            thousandths += (one[at] - '0') * unit;
        }
        return thousandths;
    }
    return 1000;
}

struct preference {
    std::string name;
    int weight = 1000;
};

/// Of Accept-Encoding and Accept-Language. Members of one weight stay in their order: some origins go by it.
void append_preferences(std::string& to, field_span fields, std::string_view name)
{
    std::vector<preference> found;
    list_members members{fields, name};
    while (const auto member = members.next()) {
        const std::size_t semicolon = std::min(member->find(';'), member->size());
        found.push_back({lower(trim(member->substr(0, semicolon))), weight_of(member->substr(semicolon))});
    }
    std::ranges::stable_sort(found, std::greater{}, &preference::weight);
    for (const auto& [text, weight] : found) {
        to.append(text);
        if (weight != 1000) to.append(";q=").append(std::to_string(weight));
        to.push_back(',');
    }
}

void append_list(std::string& to, field_span fields, std::string_view name)
{
    list_members members{fields, name};
    bool first = true;
    while (const auto member = members.next()) {
        if (!first) to.push_back(',');
        first = false;
        to.append(*member);
    }
}

}  // namespace

std::optional<std::string> vary_names(field_span fields)
{
    std::vector<std::string> names;
    list_members members{fields, "vary"};
    while (const auto member = members.next()) {
        if (*member == "*" || !std::ranges::all_of(*member, is_token)) return std::nullopt;
        if (names.size() > most_vary_names) return std::nullopt;
        std::string name = lower(*member);
        const auto place = std::ranges::lower_bound(names, name);
        if (place == names.end() || *place != name) names.insert(place, std::move(name));
    }
    if (names.size() > most_vary_names) return std::nullopt;
    std::string joined;
    for (const auto& name : names) joined.append(joined.empty() ? "" : ",").append(name);
    return joined;
}

std::string variant_key(field_span request_fields, std::string_view names, field_span folded)
{
    std::string key;
    while (!names.empty()) {
        const std::size_t end = std::min(names.find(','), names.size());
        const std::string_view name = names.substr(0, end);
        names.remove_prefix(std::min(end + 1, names.size()));
        if (const auto fold = find(folded, name)) {
            key.append(1, present).append(*fold);
        } else if (has(request_fields, name)) {
            key.push_back(present);
            const bool weighted = name == "accept-encoding" || name == "accept-language";
            weighted ? append_preferences(key, request_fields, name) : append_list(key, request_fields, name);
        }
        key.push_back(next_name);
    }
    return key;
}

}  // namespace shoal::cache::protocol
