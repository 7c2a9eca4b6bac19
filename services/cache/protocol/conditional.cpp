#include "services/cache/protocol/conditional.hpp"

#include "common/core/ascii.hpp"
#include "services/cache/protocol/http_date.hpp"

namespace shoal::cache::protocol {
namespace {

std::string_view opaque(std::string_view etag) noexcept
{
    return etag.starts_with("W/") ? etag.substr(2) : etag;
}

bool none_match(const request_view& asked, std::string_view etag) noexcept
{
    list_members members{asked.fields, "if-none-match"};
    while (const auto member = members.next()) {
        if (*member == "*" || (!etag.empty() && weak_match(*member, etag))) return false;
    }
    return true;
}

/// A date can be a strong validator when the response was made long enough after it (RFC 9110, 8.8.2.2).
bool is_strong_date(const validators& of, std::chrono::sys_seconds now) noexcept
{
    const auto modified = parse_http_date(of.last_modified, now);
    const auto made = parse_http_date(of.date, now);
    return modified && made && *modified + std::chrono::minutes{1} <= *made;
}

}  // namespace

bool is_etag(std::string_view text) noexcept
{
    const std::string_view quoted = opaque(text);
    return quoted.size() >= 2 && quoted.front() == '"' && quoted.back() == '"' &&
           quoted.find('"', 1) == quoted.size() - 1;
}

bool is_strong(std::string_view etag) noexcept
{
    return is_etag(etag) && !etag.starts_with("W/");
}

bool weak_match(std::string_view a, std::string_view b) noexcept
{
    return opaque(a) == opaque(b);
}

bool strong_match(std::string_view a, std::string_view b) noexcept
{
    return a == b && is_strong(a);
}

bool not_modified(const request_view& asked, const validators& of, std::chrono::sys_seconds now) noexcept
{
    if (asked.has_if_none_match) return !none_match(asked, of.etag);
    if (asked.if_modified_since.empty()) return false;
    const auto since = parse_http_date(asked.if_modified_since, now);
    const auto modified = parse_http_date(of.last_modified.empty() ? of.date : of.last_modified, now);
    return since && modified && *modified <= *since;
}

bool range_counts(const request_view& asked, const validators& of, std::chrono::sys_seconds now) noexcept
{
    if (asked.range.empty()) return false;
    if (asked.if_range.empty()) return true;
    if (asked.if_range.find('"') != std::string_view::npos) return strong_match(asked.if_range, of.etag);
    return asked.if_range == of.last_modified && is_strong_date(of, now);
}

std::vector<field_view> validation_fields(const validators& of, bool only_strong)
{
    std::vector<field_view> fields;
    if (!of.etag.empty() && (!only_strong || is_strong(of.etag))) fields.push_back({"If-None-Match", of.etag});
    if (!of.last_modified.empty() && !only_strong) fields.push_back({"If-Modified-Since", of.last_modified});
    return fields;
}

bool confirms(field_span not_modified_fields, const validators& of) noexcept
{
    const auto etag = find(not_modified_fields, "etag");
    if (!etag || !is_strong(*etag)) return true;
    return strong_match(*etag, of.etag);
}

}  // namespace shoal::cache::protocol
