#include "common/http/response_head.hpp"

#include <algorithm>
#include <charconv>

#include "common/core/ascii.hpp"

namespace shoal::http {
namespace {

constexpr std::string_view http_name{"HTTP/1."};
/// "HTTP/1.1 200"
constexpr std::size_t shortest_status_line = 12;

/// What the fields say about framing.
struct framing_fields {
    std::optional<std::uint64_t> length;
    bool chunked = false;
    bool close = false;
    bool keep_alive = false;
};

std::string_view trim(std::string_view text) noexcept
{
    const auto from = text.find_first_not_of(" \t");
    if (from == std::string_view::npos) return {};
    return text.substr(from, text.find_last_not_of(" \t") - from + 1);
}

std::string_view check_length(std::string_view value, framing_fields& facts)
{
    std::uint64_t length = 0;
    const auto* const end = value.data() + value.size();
    const auto [at, error] = std::from_chars(value.data(), end, length);
    if (value.empty() || !std::ranges::all_of(value, is_digit) || error != std::errc{} || at != end)
        return "Content-Length is not one decimal number";
    if (facts.length && *facts.length != length) return "Content-Length is repeated with another value";
    facts.length = length;
    return {};
}

void read_connection(std::string_view list, framing_fields& facts)
{
    while (!list.empty()) {
        const auto comma = std::min(list.find(','), list.size());
        const auto token = trim(list.substr(0, comma));
        facts.close = facts.close || iequals(token, "close");
        facts.keep_alive = facts.keep_alive || iequals(token, "keep-alive");
        list.remove_prefix(std::min(comma + 1, list.size()));
    }
}

std::string_view check_field(const header& one, framing_fields& facts)
{
    switch (one.name) {
    case field::content_length: return check_length(one.value, facts);
    case field::transfer_encoding:
        if (facts.chunked || !iequals(one.value, "chunked")) return "Transfer-Encoding is not exactly one \"chunked\"";
        facts.chunked = true;
        return {};
    case field::connection: read_connection(one.value, facts); return {};
    default: return {};
    }
}

std::string_view parse_field(std::string_view line, header& into)
{
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) return "a header line has no colon";
    const auto name = line.substr(0, colon);
    if (name.empty() || !std::ranges::all_of(name, is_token))
        return "a header name is not a token right before its colon";
    const auto value = trim(line.substr(colon + 1));
    if (std::ranges::any_of(value, is_control)) return "a header value has a control character";
    into = {boost::beast::http::string_to_field({name.data(), name.size()}), name, value};
    return {};
}

/// "HTTP/1.1 200 OK", where the reason may be missing with its space.
std::string_view parse_status_line(std::string_view line, unsigned& status)
{
    if (line.size() < shortest_status_line || !line.starts_with(http_name) || (line[7] != '0' && line[7] != '1') ||
        line[8] != ' ')
        return "the status line is not HTTP/1.1 or HTTP/1.0";
    const auto digits = line.substr(9, 3);
    if (!std::ranges::all_of(digits, is_digit) || (line.size() > shortest_status_line && line[12] != ' '))
        return "the status is not a number of three digits";
    if (std::ranges::any_of(line, is_control)) return "the status line has a control character";
    status = 0;
    for (const char digit : digits) status = status * 10 + static_cast<unsigned>(digit - '0');
    if (status < 100 || status > 599) return "the status is not in 100..599";
    if (status == 101) return "the origin switches protocols without having been asked to";
    return {};
}

std::string_view decide_framing(const framing_fields& facts, bool http11, bool to_head, response_head& into)
{
    if (facts.chunked && facts.length) return "Content-Length and Transfer-Encoding exclude each other";
    if (facts.chunked && !http11) return "HTTP/1.0 has no Transfer-Encoding";
    into.length = 0;
    if (to_head || into.status < 200 || into.status == 204 || into.status == 304) {
        into.body = framing::none;
    } else if (facts.chunked) {
        into.body = framing::chunked;
    } else if (facts.length) {
        into.body = *facts.length == 0 ? framing::none : framing::length;
        into.length = *facts.length;
    } else {
        into.body = framing::until_close;
    }
    into.keep_alive = !facts.close && (http11 || facts.keep_alive) && into.body != framing::until_close;
    return {};
}

}  // namespace

std::optional<std::size_t> response_scanner::scan(std::string_view received, const response_limits& bounds)
{
    if (lines_ == 0 && !received.starts_with(http_name.substr(0, std::min(received.size(), http_name.size())))) {
        refused_ = "the answer does not begin with HTTP/1.";
        return std::nullopt;
    }
    while (refused_.empty()) {
        const auto feed = received.find('\n', seen_);
        const auto end = feed == std::string_view::npos ? received.size() + 1 : feed + 1;
        if (end > bounds.head) refused_ = "the head is too long";
        if (feed == std::string_view::npos || !refused_.empty()) break;
        const auto line = received.substr(line_start_, feed - line_start_);
        seen_ = line_start_ = end;
        check_line(line, bounds);
        if (line == "\r" && refused_.empty()) return end;
        ++lines_;
    }
    seen_ = received.size();
    return std::nullopt;
}

void response_scanner::check_line(std::string_view line, const response_limits& bounds)
{
    if (!line.ends_with('\r'))
        refused_ = "the head has a LF without CR";
    else if (lines_ > 0 && (line.front() == ' ' || line.front() == '\t'))
        refused_ = "a header is folded over lines";
    else if (lines_ > bounds.header_count && line != "\r")
        refused_ = "the head has too many headers";
}

std::string_view parse_response_head(std::string_view head, bool to_head, response_head& into)
{
    into.headers.clear();
    auto end = head.find('\r');
    const auto status_line = head.substr(0, end);
    if (const auto why = parse_status_line(status_line, into.status); !why.empty()) return why;
    if (head[end + 1] != '\n') return "the head has a CR without LF";
    framing_fields facts;
    // Up to the empty line.
    for (auto from = end + 2; from + 2 < head.size(); from = end + 2) {
        end = head.find("\r\n", from);
        header one;
        if (const auto why = parse_field(head.substr(from, end - from), one); !why.empty()) return why;
        if (const auto why = check_field(one, facts); !why.empty()) return why;
        into.headers.push_back(one);
    }
    return decide_framing(facts, status_line[7] == '1', to_head, into);
}

}  // namespace shoal::http
