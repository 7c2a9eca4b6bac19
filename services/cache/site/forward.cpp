#include "services/cache/site/forward.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

#include "common/core/ascii.hpp"
#include "services/cache/protocol/hop_by_hop.hpp"
#include "services/cache/site/client_address.hpp"
#include "services/cache/site/folding.hpp"

namespace shoal::cache {
namespace {

/// What caches call this one (RFC 9110, 7.6.3; RFC 8586).
constexpr std::string_view our_name{"shoal"};
/// Of X-Forwarded-For.
constexpr std::size_t most_addresses = 32;

/// Made anew, or the server's own business.
constexpr std::array<std::string_view, 3> replaced{"host", "content-length", "expect"};

/// About one request, which an answer that others get must not show: many applications send X-Request-Id back.
constexpr std::array<std::string_view, 3> of_one_request{"x-request-id", "x-request-deadline-ms", "x-shoal-after"};

bool is_plain_name(std::string_view name) noexcept
{
    return !name.empty() && std::ranges::all_of(name, [](char c) {
        const char lower = to_lower(c);
        return is_digit(c) || (lower >= 'a' && lower <= 'z') || c == '-';
    });
}

bool is_one_of(std::string_view name, std::span<const std::string_view> names) noexcept
{
    return std::ranges::any_of(names, [name](std::string_view one) { return iequals(one, name); });
}

void append_line(std::string& into, std::string_view name, std::string_view value)
{
    into.append(name).append(": ").append(value).append("\r\n");
}

std::string addresses_for(const site& to, std::span<const field_view> received)
{
    if (to.addresses == forwarded_for::none) return {};
    const auto chain = read_forwarded(received);
    if (to.addresses == forwarded_for::client) return std::string{client_address(chain, to.proxies)};
    std::string joined;
    for (const auto one : std::span{chain.addresses}.last(std::min(chain.addresses.size(), most_addresses)))
        joined.append(joined.empty() ? "" : ", ").append(one);
    return joined;
}

void replace(std::vector<field_view>& fields, std::string_view name, std::string_view value)
{
    std::erase_if(fields, [name](const field_view& field) { return iequals(field.name, name); });
    fields.push_back({name, value});
}

}  // namespace

scheme scheme_of(std::span<const field_view> fields) noexcept
{
    // The last member is that of the proxy next to us.
    std::string_view last;
    protocol::list_members members{fields, "X-Forwarded-Proto"};
    while (const auto member = members.next()) last = *member;
    return iequals(last, "https") ? scheme::https : scheme::http;
}

bool loops(std::span<const field_view> fields) noexcept
{
    protocol::list_members members{fields, "CDN-Loop"};
    while (const auto member = members.next())
        if (iequals(protocol::trim(member->substr(0, member->find(';'))), our_name)) return true;
    return false;
}

outgoing_fields::outgoing_fields(std::string_view method, std::span<const field_view> fields, const rule& by,
                                 bool shared)
{
    const protocol::hop_by_hop own{fields};
    const bool takes_cookies = !shared || by.cookies != cookie_mode::ignore;
    kept_.reserve(fields.size() + 2);
    for (const auto& field : fields) {
        if (!is_plain_name(field.name) || std::ranges::any_of(field.value, is_control)) continue;
        if (is_one_of(field.name, replaced) || is_misleading(field.name, method) || own.covers(field.name)) continue;
        if (!takes_cookies && iequals(field.name, "cookie")) continue;
        if (shared && is_one_of(field.name, of_one_request)) continue;
        kept_.push_back(field);
    }
    if (!shared || (by.accept_encoding.empty() && by.accept_language.empty())) return;

    folded_ = std::make_unique<const folded>(
        folded{fold_encoding(fields, by.accept_encoding), fold_language(fields, by.accept_language)});
    if (!by.accept_encoding.empty()) replace(kept_, "Accept-Encoding", folded_->encoding);
    if (!by.accept_language.empty()) replace(kept_, "Accept-Language", folded_->language);
}

std::optional<std::uint32_t> forwards_left(std::string_view method, std::span<const field_view> fields) noexcept
{
    if (method != "OPTIONS" && method != "TRACE") return std::nullopt;
    const auto text = protocol::find(fields, "Max-Forwards").value_or("");
    std::uint32_t left = 0;
    const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), left);
    const bool is_number = !text.empty() && end == text.data() + text.size();
    if (is_number && wrong == std::errc::result_out_of_range) return std::numeric_limits<std::uint32_t>::max();
    if (!is_number || wrong != std::errc{}) return std::nullopt;
    return left;
}

std::string forward_head(const forwarding& what, const site& to)
{
    const auto is_replaced = [&what](std::string_view name) {
        return std::ranges::any_of(what.replace, [name](const field_view& one) { return iequals(one.name, name); });
    };
    std::string head;
    head.reserve(1024);
    head.append(what.method).append(" ").append(what.target).append(" HTTP/1.1\r\n");
    append_line(head, "Host", to.origin.host.empty() ? what.host : to.origin.host);
    for (const auto& field : what.fields)
        if (!is_one_of(field.name, what.drop) && !is_replaced(field.name)) append_line(head, field.name, field.value);
    for (const auto& field : what.replace) append_line(head, field.name, field.value);

    if (!what.host.empty()) append_line(head, "X-Forwarded-Host", what.host);
    append_line(head, "X-Forwarded-Proto", what.over == scheme::https ? "https" : "http");
    const auto addresses = addresses_for(to, what.received);
    if (!addresses.empty()) append_line(head, "X-Forwarded-For", addresses);
    append_line(head, "Via", "1.1 shoal");
    append_line(head, "CDN-Loop", our_name);
    return head;
}

}  // namespace shoal::cache
