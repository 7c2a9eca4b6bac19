#include "services/cache/site/read_site.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "common/config/reader.hpp"
#include "common/core/ascii.hpp"
#include "services/cache/site/host.hpp"
#include "services/cache/site/read_fields.hpp"
#include "services/cache/site/read_rule.hpp"

namespace shoal::cache {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t most_rules = 100;
constexpr std::size_t most_socket_path = 107;
constexpr config::duration_range timeouts{1ms, 1h};
/// A relay says something ten times a second, and a worker hears it four times.
constexpr config::duration_range relay_words{400ms, 1h};
constexpr config::duration_range write_waits{1ms, 60s};
constexpr std::int64_t kb = 1 << 10;
constexpr config::integer_range objects{kb, kb << 24U};

bool is_site_name(std::string_view text)
{
    const auto fits = [](char c) { return (c >= 'a' && c <= 'z') || is_digit(c) || c == '-'; };
    return !text.empty() && text.size() <= 32 && std::ranges::all_of(text, fits);
}

std::string refuse_host(std::string& text)
{
    if (text == "*") return {};
    const bool wildcard = text.starts_with("*.");
    const auto host = host_name::parse(std::string_view{text}.substr(wildcard ? 2 : 0), scheme::http);
    if (!host || host->name().empty())
        return R"(must be a host as "shop.example", "*.shop.example" for those below it, or "*" for any)";
    text = (wildcard ? "*." : "") + std::string{host->name()};
    return {};
}

bool has_port(std::string_view text)
{
    unsigned port = 0;
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos) return false;
    const auto digits = text.substr(colon + 1);
    const auto [end, wrong] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    return wrong == std::errc{} && end == digits.data() + digits.size() && port > 0 && port <= 65'535;
}

std::string refuse_origin(const std::string& text)
{
    constexpr std::string_view unix_prefix{"unix:"};
    if (text.starts_with(unix_prefix)) {
        const auto path = std::string_view{text}.substr(unix_prefix.size());
        const bool fits =
            path.starts_with('/') && path.size() <= most_socket_path && std::ranges::all_of(path, is_visible);
        return fits ? "" : "must be an absolute path of at most 107 bytes after \"unix:\"";
    }
    const auto host = host_name::parse(text, scheme::http);
    if (host && !host->name().empty() && has_port(text)) return {};
    return R"(must be "HOST:PORT", "[IPv6]:PORT" or "unix:/PATH"; without http:// in front, and no https)";
}

std::string read_origin_host(config::object& from)
{
    auto text = from.text("origin_host", "");
    const auto host = host_name::parse(text, scheme::http);
    if (!host) from.problem("origin_host", "must be a host, for example \"shop.internal\" or \"shop.internal:8080\"");
    return text;
}

/// What an origin knows itself by, where nobody has asked yet.
std::string host_for_checks(const site& of)
{
    if (!of.origin.host.empty()) return of.origin.host;
    const auto named = std::ranges::find_if(of.hosts, [](const auto& host) { return !host.starts_with('*'); });
    return named == of.hosts.end() ? "localhost" : *named;
}

health_check read_check(config::object from, const site& of)
{
    health_check made;
    made.path = from.text("path");
    if (from.has("path") && (!made.path.starts_with('/') || !std::ranges::all_of(made.path, is_visible)))
        from.problem("path", "must begin with '/' and have visible ASCII characters only");
    made.host = from.text("host", host_for_checks(of));
    const auto host = host_name::parse(made.host, scheme::http);
    if (!host || host->name().empty()) from.problem("host", "must be a host, for example \"shop.internal\"");
    made.interval = read_milliseconds(from, "interval", {100ms, 1h}, 2s);
    made.timeout = read_milliseconds(from, "timeout", {10ms, 60s}, 1s);
    from.done();
    return made;
}

int read_audit(config::object from)
{
    const auto per_second = from.integer("per_second", {1, 1'000}, 5);
    from.done();
    return static_cast<int>(per_second);
}

void read_origin(config::object& from, site& into)
{
    auto& origin = into.origin;
    origin.servers = read_texts(from, "origins", {.least = 1, .most = 64, .refuse = refuse_origin});
    origin.host = read_origin_host(from);
    origin.connect = read_milliseconds(from, "connect_timeout", timeouts, origin.connect);
    origin.first_byte = read_milliseconds(from, "first_byte_timeout", timeouts, origin.first_byte);
    origin.between_bytes = read_milliseconds(from, "between_bytes_timeout", timeouts, origin.between_bytes);
    origin.idle = read_milliseconds(from, "idle_timeout", timeouts, origin.idle);
    origin.connections = static_cast<std::size_t>(from.integer("connections", {1, 10'000}, 64));
    if (from.raw("check") != nullptr) origin.check = read_check(from.child("check"), into);
}

void read_rules(config::object& from, site& into)
{
    read_handling(from, into.otherwise);
    for (auto& one : from.children("rules", most_rules)) into.rules.push_back(read_rule(one, into.otherwise));
    into.doubtful = doubtful_rule(into);
}

}  // namespace

site read_site(config::object& from)
{
    site made;
    made.name = from.text("name");
    if (from.has("name") && !is_site_name(made.name))
        from.problem("name", "is not a site's name; use 1 to 32 of a-z, 0-9 and '-'");
    made.hosts = read_texts(from, "hosts", {.least = 1, .refuse = refuse_host});
    read_origin(from, made);
    made.max_object = static_cast<std::uint64_t>(from.size("max_object", objects, kb << 14U));
    if (from.raw("relay_within") != nullptr)
        made.relay_within = read_milliseconds(from, "relay_within", relay_words, 500ms);
    if (from.raw("audit") != nullptr) made.audits_per_second = read_audit(from.child("audit"));
    if (from.raw("read_your_writes") != nullptr)
        made.read_your_writes = read_milliseconds(from, "read_your_writes", write_waits, 500ms);
    made.tags_hidden = from.boolean("tags_hidden", made.tags_hidden);
    made.addresses = from.one_of<forwarded_for>(
        "forwarded_for",
        {{"client", forwarded_for::client}, {"chain", forwarded_for::chain}, {"none", forwarded_for::none}},
        made.addresses);
    read_rules(from, made);
    from.done();
    return made;
}

}  // namespace shoal::cache
