#include "services/cache/site/purge_request.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <stdexcept>
#include <utility>

#include "common/core/ascii.hpp"
#include "common/core/text.hpp"
#include "services/cache/coherence.hpp"

namespace shoal::cache {
namespace {

using nlohmann::json;

constexpr std::size_t most_items = 10'000;
constexpr std::size_t most_url = 8 * 1024;
constexpr std::size_t most_tag = 1024;
constexpr std::string_view form{R"({"urls":["https://shop.example/list"],"tags":["product-7"],"sites":["shop"]})"};

purge_refusal malformed(std::string why)
{
    return {400, std::move(why)};
}

/// A member that stands twice means two things to two readers.
purge_result<json> read_object(std::string_view body)
{
    std::set<std::string> seen;
    std::optional<std::string> twice;
    const auto watch = [&](int depth, json::parse_event_t event, json& element) {
        if (event == json::parse_event_t::key && depth == 1 && !seen.insert(element.get<std::string>()).second)
            twice = element.get<std::string>();
        return true;
    };
    auto read = json::parse(body, watch, false);
    if (read.is_discarded() || !read.is_object())
        return malformed(fmt::format("the body must be a JSON object as {}", form));
    if (twice) return malformed(fmt::format("\"{}\" stands twice in the body", *twice));
    return read;
}

std::optional<purge_refusal> refuse_members(const json& body)
{
    constexpr std::array<std::string_view, 5> known{"urls", "tags", "sites", "all", "soft"};
    for (const auto& [name, value] : body.items()) {
        if (std::ranges::find(known, name) == known.end())
            return malformed("unknown member in the body; the known ones are urls, tags, sites, all and soft");
        const bool is_flag = name == "all" || name == "soft";
        if (is_flag && !value.is_boolean()) return malformed(fmt::format("{} must be true or false", name));
        if (!is_flag && !value.is_array()) return malformed(fmt::format("{} must be an array of strings", name));
    }
    return std::nullopt;
}

/// Calls `add(text)` for each element of a list; stops at the first that is refused.
template <class Add>
std::optional<purge_refusal> read_list(const json& body, const char* name, Add add)
{
    const auto list = body.find(name);
    if (list == body.end()) return std::nullopt;
    for (std::size_t i = 0; i < list->size(); ++i) {
        const json& one = (*list)[i];
        if (!one.is_string()) return malformed(fmt::format("{}[{}] must be a string", name, i));
        if (const auto wrong = add(one.get_ref<const std::string&>()))
            return purge_refusal{wrong->status, fmt::format("{}[{}]: {}", name, i, wrong->detail)};
    }
    return std::nullopt;
}

std::size_t items_of(const json& body)
{
    std::size_t count = 0;
    for (const auto& value : body)
        if (value.is_array()) count += value.size();
    return count;
}

std::optional<purge_refusal> refuse_tag(std::string_view text)
{
    if (text.empty() || text.size() > most_tag || !is_utf8(text) || std::ranges::any_of(text, is_control))
        return malformed("a surrogate key is 1 to 1,024 bytes of UTF-8 without control characters");
    return std::nullopt;
}

std::optional<purge_refusal> read_tags(const json& body, const site_list& sites, std::vector<tag>& into)
{
    const auto add_url = [&](const std::string& text) -> std::optional<purge_refusal> {
        const auto place = place_of(text, sites);
        if (place.has_error()) return place.error();
        into.push_back(url_tag(*place->of, place->key));
        return std::nullopt;
    };
    const auto add_key = [&](const std::string& text) -> std::optional<purge_refusal> {
        if (auto wrong = refuse_tag(text)) return wrong;
        into.push_back(tag_of(tag_kind::surrogate, {}, text));
        return std::nullopt;
    };
    const auto add_site = [&](const std::string& text) -> std::optional<purge_refusal> {
        if (sites.named(text) == nullptr)
            return purge_refusal{422, "no site has this name; GET /-/config of a worker shows the sites"};
        into.push_back(tag_of(tag_kind::site, text, {}));
        return std::nullopt;
    };
    if (auto wrong = read_list(body, "urls", add_url)) return wrong;
    if (auto wrong = read_list(body, "tags", add_key)) return wrong;
    if (auto wrong = read_list(body, "sites", add_site)) return wrong;
    if (body.value("all", false)) into.push_back(tag_of(tag_kind::all, {}, {}));
    return std::nullopt;
}

struct url_halves {
    scheme over = scheme::http;
    std::string_view authority;
    /// May be empty, or begin with '?'.
    std::string_view rest;
};

std::optional<url_halves> split(std::string_view url) noexcept
{
    for (const auto& [begin, over] : {std::pair{std::string_view{"http://"}, scheme::http},
                                      std::pair{std::string_view{"https://"}, scheme::https}}) {
        if (!iequals(url.substr(0, begin.size()), begin)) continue;
        url.remove_prefix(begin.size());
        const auto end = std::min(url.find_first_of("/?"), url.size());
        return url_halves{over, url.substr(0, end), url.substr(end)};
    }
    return std::nullopt;
}

}  // namespace

void throw_exception_from_error(const purge_refusal& refused, const boost::source_location&)
{
    throw std::logic_error{"value of a refused purge was read: " + refused.detail};
}

purge_result<purge_request> read_purge(std::string_view body, const site_list& sites)
{
    const auto read = read_object(body);
    if (read.has_error()) return read.error();
    if (auto wrong = refuse_members(*read)) return *std::move(wrong);
    if (items_of(*read) > most_items)
        return purge_refusal{413, "at most 10,000 urls, tags and sites are purged at a time; send several requests"};

    purge_request made;
    if (auto wrong = read_tags(*read, sites, made.tags)) return *std::move(wrong);
    if (made.tags.empty())
        return malformed(fmt::format("nothing is named; use urls, tags, sites or \"all\":true, as {}", form));
    std::ranges::sort(made.tags);
    made.tags.erase(std::unique(made.tags.begin(), made.tags.end()), made.tags.end());
    made.soft = read->value("soft", false);
    return made;
}

purge_result<url_place> place_of(std::string_view url, const site_list& sites)
{
    if (url.size() > most_url) return malformed("the URL is longer than 8,192 bytes");
    if (!std::ranges::all_of(url, is_visible))
        return malformed("a URL has visible ASCII characters only; percent-encode the others");
    if (url.find('#') != std::string_view::npos) return malformed("the URL has a fragment, which no server ever sees");
    const auto halves = split(url);
    if (!halves) return malformed("the URL must be absolute, as https://shop.example/list");
    const auto host = host_name::parse(halves->authority, halves->over);
    if (!host || host->name().empty()) return malformed("the URL's host can't be read");

    url_place made;
    made.of = sites.of_host(host->name());
    if (made.of == nullptr) return purge_refusal{422, "no site has the URL's host"};
    const auto target = halves->rest.starts_with('/') ? std::string{halves->rest} : '/' + std::string{halves->rest};
    made.by = &make_key(made.key, *made.of, halves->over, *host, target);
    return made;
}

tag url_tag(const site& of, std::string_view key)
{
    return tag_of(tag_kind::url, of.name, url_of(key));
}

}  // namespace shoal::cache
