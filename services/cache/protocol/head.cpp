#include "services/cache/protocol/head.hpp"

#include <algorithm>
#include <array>

#include "common/core/ascii.hpp"
#include "services/cache/protocol/hop_by_hop.hpp"
#include "services/cache/protocol/http_date.hpp"

namespace shoal::cache::protocol {
namespace {

struct phrase {
    unsigned status;
    std::string_view text;
};

constexpr std::array<phrase, 46> phrases{{
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {203, "Non-Authoritative Information"},
    {204, "No Content"},
    {205, "Reset Content"},
    {206, "Partial Content"},
    {300, "Multiple Choices"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {305, "Use Proxy"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {402, "Payment Required"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {407, "Proxy Authentication Required"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Content"},
    {425, "Too Early"},
    {426, "Upgrade Required"},
    {428, "Precondition Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {451, "Unavailable For Legal Reasons"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
}};

/// What belongs to the stored body, or to one client (RFC 9111, 3.2): not taken from a 304.
constexpr std::array<std::string_view, 5> kept_at_update{"content-length", "content-encoding", "content-range", "etag",
                                                         "set-cookie"};
/// RFC 9110, 15.4.5, and what a cache behind this one needs to update its own.
constexpr std::array<std::string_view, 8> sent_with_304{
    "cache-control", "content-location", "date", "etag", "expires", "vary", "last-modified", "cdn-cache-control"};

template <class Names>
bool is_among(const Names& names, std::string_view name) noexcept
{
    return std::ranges::any_of(names, [name](std::string_view one) { return iequals(one, name); });
}

void append_line(std::string& to, std::string_view name, std::string_view value)
{
    to.append(name).append(": ").append(value).append("\r\n");
}

std::string status_line(unsigned status)
{
    std::string line = "HTTP/1.1 " + std::to_string(status) + ' ';
    return line.append(reason_phrase(status)).append("\r\n");
}

/// What would end a line or a name early (RFC 9110, 5.5).
bool is_safe(const field_view& field) noexcept
{
    return !field.name.empty() && std::ranges::all_of(field.name, is_token) &&
           std::ranges::none_of(field.value, is_control);
}

/// Of one message: which of its lines are kept, and its Date.
class line_filter {
public:
    line_filter(field_span fields, const head_settings& how) : connection_{fields}, how_{how}
    {
        const auto date = find(fields, "date");
        dated_ = date && parse_http_date(*date, how.received);
    }

    [[nodiscard]] bool keeps(const field_view& field)
    {
        const std::string_view name = field.name;
        if (!is_safe(field) || connection_.covers(name) || iequals(name, "age") || iequals(name, "content-length")) {
            return false;
        }
        if (is_among(how_.withheld, name) || is_among(how_.hidden, name)) return false;
        if (!iequals(name, "date")) return true;
        const bool first = !date_seen_;
        date_seen_ = true;
        return first && dated_;
    }

    /// The Date that the message lacks.
    void append_date(std::string& to) const
    {
        if (!dated_) append_line(to, "Date", format_http_date(how_.received).view());
    }

private:
    hop_by_hop connection_;
    const head_settings& how_;
    bool dated_ = false;
    bool date_seen_ = false;
};

}  // namespace

std::string_view reason_phrase(unsigned status) noexcept
{
    const auto* const found = std::ranges::lower_bound(phrases, status, {}, &phrase::status);
    return found != phrases.end() && found->status == status ? found->text : "";
}

std::string header_lines(field_span fields, const head_settings& how)
{
    std::string lines;
    line_filter filter{fields, how};
    for (const auto& field : fields) {
        if (filter.keeps(field)) append_line(lines, field.name, trim(field.value));
    }
    filter.append_date(lines);
    if (how.length) append_line(lines, "Content-Length", std::to_string(*how.length));
    return lines;
}

std::string build_head(unsigned status, field_span fields, const head_settings& how)
{
    return status_line(status) + header_lines(fields, how);
}

std::string update_head(std::string_view stored_head, field_span newer, const head_settings& how)
{
    line_filter filter{newer, how};
    std::vector<field_view> taken;
    for (const auto& field : newer) {
        if (filter.keeps(field) && !is_among(kept_at_update, field.name)) taken.push_back(field);
    }
    std::string head{stored_head.substr(0, std::min(stored_head.find("\r\n"), stored_head.size()))};
    head += "\r\n";
    for (const auto& field : lines_of(stored_head)) {
        const bool replaced = has(taken, field.name) || iequals(field.name, "date");
        if (!replaced && !is_among(how.withheld, field.name)) append_line(head, field.name, field.value);
    }
    for (const auto& field : taken) append_line(head, field.name, trim(field.value));
    filter.append_date(head);
    return head;
}

std::string not_modified_head(std::string_view stored_head)
{
    std::string head = status_line(304);
    for (const auto& field : lines_of(stored_head)) {
        if (is_among(sent_with_304, field.name)) append_line(head, field.name, field.value);
    }
    return head;
}

std::string partial_head(std::string_view stored_head, std::string_view content_range, std::string_view content_type,
                         std::uint64_t length)
{
    std::string head = status_line(206);
    for (const auto& field : lines_of(stored_head)) {
        const std::string_view name = field.name;
        if (iequals(name, "content-length") || iequals(name, "content-range")) continue;
        if (!content_type.empty() && iequals(name, "content-type")) continue;
        append_line(head, name, field.value);
    }
    if (!content_range.empty()) append_line(head, "Content-Range", content_range);
    if (!content_type.empty()) append_line(head, "Content-Type", content_type);
    append_line(head, "Content-Length", std::to_string(length));
    return head;
}

std::string unsatisfiable_head(std::uint64_t length, std::chrono::sys_seconds now)
{
    std::string head = status_line(416);
    append_line(head, "Date", format_http_date(now).view());
    append_line(head, "Content-Range", "bytes */" + std::to_string(length));
    append_line(head, "Content-Length", "0");
    return head;
}

}  // namespace shoal::cache::protocol
