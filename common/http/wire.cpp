#include "common/http/wire.hpp"

#include <array>
#include <charconv>

#include <boost/beast/http/status.hpp>

#include <ctime>

#include "common/core/ascii.hpp"

namespace shoal::http {
namespace {

template <class Number>
void append_number(std::string& out, Number value)
{
    std::array<char, 24> digits;
    const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), value);
    out.append(digits.data(), end);
}

void append_status_line(std::string& out, unsigned status)
{
    if (status == 200) {
        out.append("HTTP/1.1 200 OK\r\n");
        return;
    }
    namespace beast_http = boost::beast::http;
    const auto reason = beast_http::obsolete_reason(beast_http::int_to_status(status));
    out.append("HTTP/1.1 ");
    append_number(out, status);
    out.append(" ").append(reason.data(), reason.size()).append("\r\n");
}

/// Milliseconds with three decimals, as Server-Timing has them.
void append_milliseconds(std::string& out, std::chrono::nanoseconds duration)
{
    const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(duration).count();
    append_number(out, micros / 1000);
    const auto rest = micros % 1000;
    const std::array<char, 4> decimals{'.', static_cast<char>('0' + rest / 100),
                                       static_cast<char>('0' + rest / 10 % 10), static_cast<char>('0' + rest % 10)};
    out.append(decimals.data(), decimals.size());
}

void append_server_timing(std::string& out, const envelope& around)
{
    out.append("Server-Timing: total;dur=");
    append_milliseconds(out, around.total);
    for (const auto& part : around.timings) {
        out.append(", ").append(part.name).append(";dur=");
        append_milliseconds(out, part.duration);
    }
    out.append("\r\n");
}

void append_length(std::string& out, std::uint64_t length)
{
    out.append("Content-Length: ");
    append_number(out, length);
    out.append("\r\n");
}

/// What ends every head.
void append_envelope(std::string& out, const envelope& around)
{
    if (around.close)
        out.append("Connection: close\r\n");
    else if (!around.http11)
        out.append("Connection: keep-alive\r\n");
    out.append(around.fixed_lines).append("X-Request-Id: ").append(around.request_id).append("\r\n");
    append_server_timing(out, around);
    out.append("\r\n");
}

bool has_date(std::string_view lines) noexcept
{
    constexpr std::string_view name{"Date:"};
    while (!lines.empty()) {
        if (iequals(lines.substr(0, name.size()), name)) return true;
        const auto feed = lines.find('\n');
        lines.remove_prefix(feed == std::string_view::npos ? lines.size() : feed + 1);
    }
    return false;
}

}  // namespace

void append_answer(std::string& out, const response& answer, const envelope& around)
{
    append_status_line(out, answer.status());
    out.append(around.date).append(answer.header_lines());
    // A 304's length would be that of the 200.
    if (has_body(answer.status())) append_length(out, answer.body().size());
    append_envelope(out, around);
    if (has_body(answer.status()) && !around.head_only) out.append(answer.body());
}

void append_head(std::string& out, const prepared& answer, const envelope& around)
{
    out.append(answer.head).append(answer.lines.view());
    append_envelope(out, around);
}

void append_head(std::string& out, const streamed_head& head, const envelope& around)
{
    append_status_line(out, head.status);
    if (!has_date(head.lines)) out.append(around.date);
    out.append(head.lines);
    if (has_body(head.status) && head.length)
        append_length(out, *head.length);
    else if (has_body(head.status) && around.http11)
        out.append("Transfer-Encoding: chunked\r\n");
    append_envelope(out, around);
}

void append_interim(std::string& out, unsigned status, std::string_view lines)
{
    append_status_line(out, status);
    out.append(lines).append("\r\n");
}

void append_chunk_size(std::string& out, std::size_t size)
{
    std::array<char, 16> digits;
    const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), size, 16);
    out.append(digits.data(), end).append("\r\n");
}

std::string_view date_line::at(boot_time now)
{
    if (now < valid_until_) return text_;
    const auto wall = wall_clock::now();
    const auto second = std::chrono::floor<std::chrono::seconds>(wall);
    valid_until_ = now + (second + std::chrono::seconds{1} - wall);
    const auto seconds = wall_clock::to_time_t(second);
    std::tm parts{};
    gmtime_r(&seconds, &parts);
    // The names are English: nothing here calls setlocale().
    std::array<char, 64> line;
    const auto length = std::strftime(line.data(), line.size(), "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &parts);
    text_.assign(line.data(), length);
    return text_;
}

}  // namespace shoal::http
