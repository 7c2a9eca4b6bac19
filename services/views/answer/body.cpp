#include "services/views/answer/body.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <xxhash.h>
#include <nlohmann/json.hpp>

namespace shoal::views {
namespace {

/// A database's text may be anything: what is not UTF-8 is replaced.
void append_text(std::string& to, std::string_view text)
{
    to += nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

/// JSON has no infinity: it is a text, "inf" or "-inf".
void append_score(std::string& to, double score)
{
    if (std::isfinite(score))
        fmt::format_to(std::back_inserter(to), "{}", score);
    else
        to += score > 0 ? R"("inf")" : R"("-inf")";
}

void append(std::string& to, const fields& from)
{
    to += '{';
    for (const auto& [name, value] : from.all) {
        if (to.back() != '{') to += ',';
        append_text(to, name);
        to += ':';
        append_text(to, value);
    }
    to += '}';
}

void append(std::string& to, const members& from, bool scored)
{
    to += R"({"items":[)";
    for (const auto& [member, score] : from.all) {
        if (&member != &from.all.front().first) to += ',';
        if (scored) to += R"({"member":)";
        append_text(to, member);
        if (!scored) continue;
        to += R"(,"score":)";
        append_score(to, score);
        to += '}';
    }
    to += ']';
    if (from.more) {
        const auto& [member, score] = from.all.back();
        to.append(R"(,"next":")").append(to_text(cursor{score, member})).append("\"");
    }
    to += '}';
}

void append(std::string& to, const entry& from, kind of)
{
    if (const auto* const one = std::get_if<document>(&from))
        to += one->text;
    else if (const auto* const hash = std::get_if<fields>(&from))
        append(to, *hash);
    else if (const auto* const part = std::get_if<members>(&from))
        append(to, *part, of == kind::sorted_set);
    else
        to += "null";
}

}  // namespace

std::string to_json(const entry& from, kind of)
{
    std::string made;
    append(made, from, of);
    return made;
}

std::string to_json(std::span<const place> of, std::span<const entry> from, kind all)
{
    std::string made = R"({"entries":{)";
    for (std::size_t i = 0; i < of.size() && i < from.size(); ++i) {
        if (i > 0) made += ',';
        append_text(made, of[i].key);
        made += ':';
        append(made, from[i], all);
    }
    return made += "}}";
}

std::string to_json(std::span<const listed_view> all)
{
    auto listed = nlohmann::ordered_json::array();
    for (const auto& one : all)
        listed.push_back({{"name", one.name},
                          {"kind", name_of(one.is)},
                          {"state", one.counts ? name_of(one.at) : "unattended"},
                          {"generation", one.generation},
                          {"entries", one.entries}});
    return nlohmann::ordered_json{{"views", std::move(listed)}}.dump();
}

std::string etag_of(std::string_view body)
{
    const auto hash = XXH3_128bits(body.data(), body.size());
    return fmt::format("\"{:016x}{:016x}\"", hash.high64, hash.low64);
}

bool names_etag(std::string_view if_none_match, std::string_view etag) noexcept
{
    while (!if_none_match.empty()) {
        auto one = if_none_match.substr(0, if_none_match.find(','));
        if_none_match.remove_prefix(std::min(one.size() + 1, if_none_match.size()));
        const auto begin = one.find_first_not_of(" \t");
        if (begin == std::string_view::npos) continue;
        one = one.substr(begin, one.find_last_not_of(" \t") - begin + 1);
        if (one.starts_with("W/")) one.remove_prefix(2);
        if (one == "*" || one == etag) return true;
    }
    return false;
}

}  // namespace shoal::views
