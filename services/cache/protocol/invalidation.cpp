#include "services/cache/protocol/invalidation.hpp"

#include <algorithm>

#include "common/core/ascii.hpp"
#include "services/cache/protocol/structured_fields.hpp"

namespace shoal::cache::protocol {
namespace {

/// RFC 3986, 5.2.4, of a path that begins with '/'.
std::string remove_dot_segments(std::string_view path)
{
    std::vector<std::string_view> kept;
    bool ends_with_slash = true;
    while (!path.empty()) {
        path.remove_prefix(1);
        const std::size_t end = std::min(path.find('/'), path.size());
        const std::string_view segment = path.substr(0, end);
        path.remove_prefix(end);
        ends_with_slash = path.empty() && (segment == "." || segment == "..");
        if (segment == "..") {
            if (!kept.empty()) kept.pop_back();
        } else if (segment != ".") {
            kept.push_back(segment);
        }
    }
    std::string made;
    for (const std::string_view segment : kept) made.append("/").append(segment);
    if (ends_with_slash || made.empty()) made.push_back('/');
    return made;
}

/// Of path and query, the path without dot segments.
std::string clean(std::string_view target)
{
    const std::size_t query = std::min(target.find('?'), target.size());
    return remove_dot_segments(target.substr(0, query)).append(target.substr(query));
}

struct split_reference {
    /// Without the port that its scheme implies; absent in a relative reference.
    std::optional<std::string_view> authority;
    std::string_view rest;
};

split_reference split_authority(std::string_view reference) noexcept
{
    std::string_view implied_port;
    if (iequals(reference.substr(0, 7), "http://")) {
        reference.remove_prefix(5);
        implied_port = ":80";
    } else if (iequals(reference.substr(0, 8), "https://")) {
        reference.remove_prefix(6);
        implied_port = ":443";
    }
    if (!reference.starts_with("//")) return {std::nullopt, reference};
    reference.remove_prefix(2);
    const std::size_t end = std::min(reference.find_first_of("/?"), reference.size());
    std::string_view authority = reference.substr(0, end);
    if (!implied_port.empty() && authority.ends_with(implied_port)) authority.remove_suffix(implied_port.size());
    return {authority, reference.substr(end)};
}

/// A reference with a colon in its first segment begins with a scheme.
bool has_other_scheme(std::string_view reference) noexcept
{
    return reference.substr(0, reference.find_first_of("/?")).find(':') != std::string_view::npos;
}

/// RFC 3986, 5.2.2; nothing for another host's and another scheme's.
std::optional<std::string> resolve(std::string_view reference, std::string_view host, std::string_view target)
{
    const auto [authority, rest] = split_authority(reference.substr(0, reference.find('#')));
    if (authority) {
        if (!iequals(*authority, host)) return std::nullopt;
        return clean(rest);
    }
    if (rest.empty()) return std::string{target};
    if (rest.starts_with('/')) return clean(rest);
    if (has_other_scheme(rest)) return std::nullopt;
    const std::string_view path = target.substr(0, target.find('?'));
    if (rest.starts_with('?')) return clean(std::string{path}.append(rest));
    return clean(std::string{path.substr(0, path.rfind('/') + 1)}.append(rest));
}

void take_keys(std::vector<std::string>& to, std::string_view text, std::string_view separators)
{
    while (!text.empty()) {
        const std::size_t end = std::min(text.find_first_of(separators), text.size());
        if (const auto key = trim(text.substr(0, end)); !key.empty()) to.emplace_back(key);
        text.remove_prefix(std::min(end + 1, text.size()));
    }
}

void take_groups(std::vector<std::string>& to, field_span fields, std::string_view name)
{
    const auto members = sf::parse_list(fields, name);
    if (!members) return;
    for (const auto& one : *members) {
        const auto* const single = std::get_if<sf::item>(&one);
        const auto* const text = single != nullptr ? std::get_if<std::string>(&single->value) : nullptr;
        if (text != nullptr) to.push_back(*text);
    }
}

void sort_once(std::vector<std::string>& names)
{
    std::ranges::sort(names);
    names.erase(std::unique(names.begin(), names.end()), names.end());
}

bool is_too_long(const std::string& name) noexcept
{
    return name.size() > longest_key;
}

}  // namespace

bool invalidates(method_kind method, unsigned status) noexcept
{
    return method == method_kind::unsafe && status >= 200 && status < 400;
}

std::vector<std::string> invalidated_targets(field_span fields, std::string_view host, std::string_view target)
{
    std::vector<std::string> targets;
    for (const std::string_view name : {"location", "content-location"}) {
        const auto reference = find(fields, name);
        if (!reference || reference->empty()) continue;
        auto resolved = resolve(*reference, host, target);
        if (resolved && *resolved != target) targets.push_back(std::move(*resolved));
    }
    sort_once(targets);
    return targets;
}

surrogate_keys read_keys(field_span fields)
{
    surrogate_keys made;
    for (const auto& field : fields) {
        if (iequals(field.name, "surrogate-key") || iequals(field.name, "xkey"))
            take_keys(made.keys, field.value, " \t");
        if (iequals(field.name, "cache-tag")) take_keys(made.keys, field.value, ",");
    }
    take_groups(made.groups, fields, "cache-groups");
    sort_once(made.keys);
    sort_once(made.groups);
    made.too_many = made.keys.size() + made.groups.size() > most_keys || std::ranges::any_of(made.keys, is_too_long) ||
                    std::ranges::any_of(made.groups, is_too_long);
    return made;
}

std::vector<std::string> invalidated_groups(field_span fields)
{
    std::vector<std::string> groups;
    take_groups(groups, fields, "cache-group-invalidation");
    sort_once(groups);
    std::erase_if(groups, is_too_long);
    if (groups.size() > most_keys) groups.resize(most_keys);
    return groups;
}

}  // namespace shoal::cache::protocol
