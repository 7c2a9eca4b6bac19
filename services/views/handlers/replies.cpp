#include "services/views/handlers/replies.hpp"

#include <string>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "services/views/answer/body.hpp"

namespace shoal::views {
namespace {

constexpr std::string_view json_type = "application/json";
constexpr std::string_view problem_type = "application/problem+json";

bool has_it(const http::request& of, const answer& made)
{
    if (made.etag().empty()) return false;
    for (const auto& each : of.headers)
        if (each.name == http::field::if_none_match && names_etag(each.value, made.etag())) return true;
    return false;
}

std::string unknown(const reading& from)
{
    if (from.names.empty()) return "there is no such view, nor any other: the relay's configuration names none";
    return fmt::format("there is no view '{}'; there is {}", from.view, fmt::join(from.names, ", "));
}

}  // namespace

http::response reply(const answer& made, const http::request& to, std::string_view served_how)
{
    const bool known = has_it(to, made);
    http::response said{known ? 304 : made.status()};
    if (!made.etag().empty()) said.add("ETag", made.etag());
    said.add("Cache-Control", "no-cache").add("Cache-Status", served_how);
    if (known) return said;
    return std::move(said).body(made.status() == 200 ? json_type : problem_type, made.body());
}

http::response reply(const refusal& why)
{
    auto said = http::problem(why.status, why.detail);
    if (why.status == 503) said.add("Retry-After", "1");
    return said;
}

refusal refuse(const boost::system::error_code& why)
{
    if (why == errc::deadline_exceeded) return {504, "the request's deadline passed before Redis was asked"};
    return {503, "Redis does not answer; repeat the request later"};
}

refusal refuse(const reading& from)
{
    using is = reading::outcome;
    switch (from.is) {
    case is::unknown: return {404, unknown(from)};
    case is::failed:
        return {503, fmt::format("view '{}' can't be kept up to date: the database refuses its query; its operators "
                                 "see why with 'scripts/fleet relay status'",
                                 from.view)};
    case is::large: return {422, "the answer would be longer than 8 MiB; ask for fewer keys, or with a smaller limit"};
    case is::kind: return {400, fmt::format("and is for sets, which the entries of view '{}' are not", from.view)};
    case is::filling:
        return {503, fmt::format("view '{}' is still being filled, so an entry that is not there says nothing; repeat "
                                 "the request later",
                                 from.view)};
    case is::many: return {422, "even the smallest of these sets has more than 50000 members; narrow it down first"};
    case is::unattended:
    case is::found: break;
    }
    return refuse_unattended();
}

refusal refuse_write()
{
    return {503,
            "what X-Shoal-After names has not come to the views in time, or nobody knows that token; repeat the "
            "request later, or ask the database"};
}

refusal refuse_unattended()
{
    return {503,
            "no relay has said lately that the views are up to date; repeat the request later, or ask the database"};
}

}  // namespace shoal::views
