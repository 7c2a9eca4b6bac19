#include "services/cache/protocol/cache_control.hpp"

#include <algorithm>

#include "common/core/ascii.hpp"
#include "services/cache/protocol/structured_fields.hpp"

namespace shoal::cache::protocol {
namespace {

struct directive {
    std::string_view name;
    /// Without its quotes; what is escaped in them stays so.
    std::optional<std::string_view> argument;
};

/// Nothing for what is no directive: "max-age =1" has a space in its name.
std::optional<directive> read_directive(std::string_view member) noexcept
{
    const std::size_t equals = member.find('=');
    directive made{member.substr(0, equals), std::nullopt};
    if (made.name.empty() || !std::ranges::all_of(made.name, is_token)) return std::nullopt;
    if (equals == std::string_view::npos) return made;
    std::string_view argument = member.substr(equals + 1);
    if (argument.size() >= 2 && argument.front() == '"' && argument.back() == '"') {
        argument = argument.substr(1, argument.size() - 2);
    }
    made.argument = argument;
    return made;
}

/// Of one that is given twice the first counts; what can't be read is `otherwise`.
void set_seconds(std::optional<std::int64_t>& to, const directive& from, std::int64_t otherwise) noexcept
{
    if (!to) to = from.argument ? delta_seconds(*from.argument).value_or(otherwise) : otherwise;
}

/// Where there are names, only those fields are meant.
void set_flag_or_names(bool& flag, const directive& from, std::vector<std::string>& names)
{
    list_reader members{from.argument.value_or("")};
    bool named = false;
    while (const auto name = members.next()) {
        named = std::ranges::all_of(*name, is_token);
        if (!named) break;
        names.push_back(lower(*name));
    }
    if (!named) flag = true;
}

struct flag_name {
    std::string_view name;
    bool response_directives::*flag;
};

constexpr flag_name flags[] = {
    {"no-store", &response_directives::no_store},
    {"public", &response_directives::is_public},
    {"must-revalidate", &response_directives::must_revalidate},
    {"proxy-revalidate", &response_directives::proxy_revalidate},
    {"must-understand", &response_directives::must_understand},
    {"no-transform", &response_directives::no_transform},
    {"immutable", &response_directives::immutable},
};

struct seconds_name {
    std::string_view name;
    std::optional<std::int64_t> response_directives::*seconds;
};

constexpr seconds_name durations[] = {
    {"max-age", &response_directives::max_age},
    {"s-maxage", &response_directives::s_maxage},
    {"stale-while-revalidate", &response_directives::stale_while_revalidate},
    {"stale-if-error", &response_directives::stale_if_error},
};

void apply(const directive& from, response_directives& to)
{
    for (const auto& [name, flag] : flags) {
        if (iequals(from.name, name)) to.*flag = true;
    }
    for (const auto& [name, seconds] : durations) {
        if (iequals(from.name, name)) set_seconds(to.*seconds, from, 0);
    }
    if (iequals(from.name, "no-cache")) set_flag_or_names(to.no_cache, from, to.withheld);
    if (iequals(from.name, "private")) set_flag_or_names(to.is_private, from, to.withheld);
}

/// Of a dictionary: flags are true, durations integers; no-cache and private may have a string of names.
void apply(std::string_view name, const sf::bare_item& value, response_directives& to)
{
    const bool* const flag_value = std::get_if<bool>(&value);
    const std::int64_t* const number = std::get_if<std::int64_t>(&value);
    for (const auto& [flag_name, flag] : flags) {
        if (name == flag_name && flag_value != nullptr) to.*flag = *flag_value;
    }
    for (const auto& [seconds_name, seconds] : durations) {
        if (name == seconds_name && number != nullptr) to.*seconds = std::clamp<std::int64_t>(*number, 0, INT32_MAX);
    }
    if (name != "no-cache" && name != "private") return;
    bool& flag = name == "private" ? to.is_private : to.no_cache;
    if (flag_value != nullptr) flag = *flag_value;
    if (const auto* const names = std::get_if<std::string>(&value)) {
        set_flag_or_names(flag, {.name = name, .argument = *names}, to.withheld);
    }
}

}  // namespace

request_directives read_request_directives(field_span fields) noexcept
{
    request_directives made;
    list_members members{fields, "cache-control"};
    bool any = false;
    while (const auto member = members.next()) {
        any = true;
        const auto from = read_directive(*member);
        if (!from) continue;
        if (iequals(from->name, "no-store")) made.no_store = true;
        if (iequals(from->name, "no-cache")) made.no_cache = true;
        if (iequals(from->name, "no-transform")) made.no_transform = true;
        if (iequals(from->name, "only-if-cached")) made.only_if_cached = true;
        if (iequals(from->name, "max-age")) set_seconds(made.max_age, *from, 0);
        if (iequals(from->name, "min-fresh")) set_seconds(made.min_fresh, *from, INT32_MAX);
        if (iequals(from->name, "max-stale")) set_seconds(made.max_stale, *from, from->argument ? 0 : INT32_MAX);
    }
    if (!any) made.no_cache = has_member(fields, "pragma", "no-cache");
    return made;
}

response_directives read_response_directives(field_span fields)
{
    response_directives made;
    list_members members{fields, "cache-control"};
    while (const auto member = members.next()) {
        if (const auto from = read_directive(*member)) apply(*from, made);
    }
    return made;
}

std::optional<response_directives> read_targeted_directives(field_span fields, std::string_view name)
{
    const auto members = sf::parse_dictionary(fields, name);
    if (!members || members->empty()) return std::nullopt;
    response_directives made;
    for (const auto& [directive_name, value] : *members) {
        if (const auto* const single = std::get_if<sf::item>(&value)) apply(directive_name, single->value, made);
    }
    return made;
}

}  // namespace shoal::cache::protocol
