#include "services/cache/site/read_rule.hpp"

#include <algorithm>
#include <utility>

#include "common/config/reader.hpp"
#include "common/core/ascii.hpp"
#include "services/cache/site/path.hpp"
#include "services/cache/site/read_fields.hpp"

namespace shoal::cache {
namespace {

using namespace std::chrono_literals;

constexpr config::duration_range times{0s, 366 * 24h};
constexpr std::size_t most_pattern = 256;

/// Stars multiply what a comparison may cost.
constexpr std::ptrdiff_t most_stars = 8;

std::string refuse_pattern(const std::string& text)
{
    const bool fits = !text.empty() && text.size() <= most_pattern && std::ranges::all_of(text, is_visible) &&
                      std::ranges::count(text, '*') <= most_stars;
    return fits ? "" : "must be 1 to 256 visible ASCII characters with at most 8 '*'";
}

/// Patterns are compared with keys, so they are brought to the form of keys.
std::string refuse_query_name(std::string& text)
{
    if (auto wrong = refuse_pattern(text); !wrong.empty()) return wrong;
    if (text.find_first_of("&=#") != std::string::npos) return "is the name of a parameter, without '&', '=' and '#'";
    std::string normal;
    append_encoded(normal, text);
    text = std::move(normal);
    return {};
}

glob read_path(config::object& from)
{
    auto text = from.text("path");
    if (!from.has("path")) return glob{"*"};
    const auto wrong = refuse_pattern(text);
    if (!wrong.empty()) from.problem("path", wrong);
    if (!text.starts_with('/') && !text.starts_with('*'))
        from.problem("path", "must begin with '/' or '*', for example \"/static/*\" or \"*.css\"");
    std::string normal;
    append_encoded(normal, text);
    return glob{std::move(normal)};
}

std::vector<glob> read_globs(config::object& from, std::string_view name)
{
    std::vector<glob> globs;
    for (auto& text : read_texts(from, name, {.refuse = refuse_query_name})) globs.emplace_back(std::move(text));
    return globs;
}

void read_query(config::object& from, query_rule& into)
{
    auto query = from.child("query");
    const query_rule read{query.boolean("sort", false), read_globs(query, "drop"), read_globs(query, "keep")};
    query.done();
    if (from.has("query")) into = read;
}

void read_methods(config::object& from, rule& into)
{
    const auto refuse = [](const std::string& text) {
        return text == "GET" || text == "HEAD" ? "" : R"(must be "GET" or "HEAD": no other answer is ever stored)";
    };
    if (from.raw("methods") == nullptr) return;
    const auto methods = read_texts(from, "methods", {.least = 1, .most = 2, .refuse = refuse});
    into.get = std::ranges::find(methods, "GET") != methods.end();
    into.head = std::ranges::find(methods, "HEAD") != methods.end();
}

std::string refuse_coding(std::string& text)
{
    std::ranges::transform(text, text.begin(), to_lower);
    const bool is_coding = !text.empty() && text.size() <= 32 && std::ranges::all_of(text, is_token);
    if (!is_coding || text == "*" || text == "identity") return "must be a content coding, for example \"gzip\"";
    return {};
}

std::string refuse_language(const std::string& text)
{
    const bool is_tag = !text.empty() && text.size() <= 35 && std::ranges::all_of(text, [](char c) {
        const char lower = to_lower(c);
        return is_digit(c) || (lower >= 'a' && lower <= 'z') || c == '-';
    });
    return is_tag ? "" : "must be a language tag, for example \"sv\" or \"en-GB\"";
}

void read_lifetimes(config::object& from, protocol::site_policy& into)
{
    if (from.raw("ttl") != nullptr) into.ttl = read_seconds(from, "ttl", {1s, times.most}, 1s).count();
    const auto read = [&from](const char* name, std::int64_t& value) {
        value = read_seconds(from, name, times, std::chrono::seconds{value}).count();
    };
    read("default_ttl", into.default_ttl);
    read("negative_ttl", into.negative_ttl);
    read("stale_while_revalidate", into.stale_while_revalidate);
    read("stale_if_error", into.stale_if_error);
    into.heuristics = from.boolean("heuristics", into.heuristics);
}

}  // namespace

void read_handling(config::object& from, rule& into)
{
    read_methods(from, into);
    read_query(from, into.query);
    into.cookies = from.one_of<cookie_mode>(
        "cookies", {{"guard", cookie_mode::guard}, {"bypass", cookie_mode::bypass}, {"ignore", cookie_mode::ignore}},
        into.cookies);
    into.policy.guard_cookies = into.cookies != cookie_mode::ignore;
    into.accept_encoding =
        read_texts(from, "accept_encoding", {.most = 8, .refuse = refuse_coding}, std::move(into.accept_encoding));
    into.accept_language =
        read_texts(from, "accept_language", {.most = 64, .refuse = refuse_language}, std::move(into.accept_language));
    into.client_directives = from.boolean("client_directives", into.client_directives);
    read_lifetimes(from, into.policy);
}

rule read_rule(config::object& from, const rule& defaults)
{
    rule made = defaults;
    made.path = read_path(from);
    made.pass = from.boolean("pass", false);
    read_handling(from, made);
    from.done();
    return made;
}

rule doubtful_rule(const site& of)
{
    rule made = of.otherwise;
    made.query = {};
    made.policy.ttl.reset();
    made.policy.default_ttl = 0;
    made.policy.negative_ttl = 0;
    made.policy.heuristics = false;
    made.policy.guard_cookies = true;
    const auto bypasses = [](const rule& one) { return one.cookies == cookie_mode::bypass; };
    made.pass = std::ranges::any_of(of.rules, &rule::pass);
    made.cookies =
        bypasses(of.otherwise) || std::ranges::any_of(of.rules, bypasses) ? cookie_mode::bypass : cookie_mode::guard;
    return made;
}

}  // namespace shoal::cache
