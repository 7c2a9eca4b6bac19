#include "common/http/head.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>

#include "common/core/ascii.hpp"
#include "common/http/server.hpp"
#include "common/http/target.hpp"

namespace shoal::http {
namespace {

namespace beast_http = boost::beast::http;
using boost::beast::string_view;
using boost::system::error_code;

constexpr std::int64_t longest_deadline_ms = 3'600'000;

std::string_view view(string_view text) noexcept
{
    return {text.data(), text.size()};
}

template <class Number>
std::optional<Number> parse_number(std::string_view digits) noexcept
{
    Number value{};
    const auto* const end = digits.data() + digits.size();
    if (digits.empty() || !std::ranges::all_of(digits, is_digit)) return std::nullopt;
    const auto [at, error] = std::from_chars(digits.data(), end, value);
    if (error != std::errc{} || at != end) return std::nullopt;
    return value;
}

/// Beast splits lines and fields; what they may say is decided here, more strictly than it does.
class parser final : public beast_http::basic_parser<true> {
public:
    parser(request& into, head_facts& facts) : into_{into}, facts_{facts}
    {
        skip(true);  // the body is not its business
        header_limit(std::numeric_limits<std::uint32_t>::max());
    }

    [[nodiscard]] const std::optional<refusal>& refused() const noexcept { return refused_; }

    /// What only the whole head can tell.
    [[nodiscard]] std::optional<refusal> finish()
    {
        facts_.keep_alive = keep_alive();
        if (facts_.http11 && !host_) return malformed("HTTP/1.1 requires a Host header");
        if (facts_.chunked && !facts_.http11) return malformed("HTTP/1.0 has no Transfer-Encoding");
        return reduce_target(into_, facts_.target);
    }

private:
    void on_request_impl(verb method, string_view method_text, string_view target, int version,
                         error_code& ec) override;
    void on_field_impl(field name, string_view name_text, string_view value, error_code& ec) override;
    [[nodiscard]] std::optional<refusal> check_field(const header& one);
    [[nodiscard]] std::optional<refusal> check_unknown(const header& one);
    [[nodiscard]] std::optional<refusal> check_content_length(std::string_view value);
    [[nodiscard]] std::optional<refusal> check_transfer_encoding(std::string_view value);
    [[nodiscard]] std::optional<refusal> check_host(std::string_view value);

    void on_response_impl(int, string_view, int, error_code&) override {}
    void on_header_impl(error_code&) override {}
    void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
    std::size_t on_body_impl(string_view body, error_code&) override { return body.size(); }
    void on_chunk_header_impl(std::uint64_t, string_view, error_code&) override {}
    std::size_t on_chunk_body_impl(std::uint64_t, string_view body, error_code&) override { return body.size(); }
    void on_finish_impl(error_code&) override {}

    request& into_;
    head_facts& facts_;
    bool host_ = false;
    bool transfer_encoding_ = false;
    std::optional<refusal> refused_;
};

void parser::on_request_impl(verb method, string_view method_text, string_view target, int version, error_code& ec)
{
    into_.method = method;
    into_.method_text = view(method_text);
    into_.target = view(target);
    facts_.http11 = version == 11;
    if (std::ranges::all_of(into_.target, is_visible)) return;
    refused_ = malformed("the request target has a character that must be percent-encoded");
    ec = beast_http::error::bad_target;
}

void parser::on_field_impl(field name, string_view name_text, string_view value, error_code& ec)
{
    into_.headers.push_back({name, view(name_text), view(value)});
    refused_ = check_field(into_.headers.back());
    if (refused_) ec = beast_http::error::bad_value;
}

std::optional<refusal> parser::check_field(const header& one)
{
    switch (one.name) {
    case field::host: return check_host(one.value);
    case field::content_length: return check_content_length(one.value);
    case field::transfer_encoding: return check_transfer_encoding(one.value);
    case field::expect:
        if (!iequals(one.value, "100-continue"))
            return refusal{417, "malformed", "the only expectation that is met is 100-continue"};
        facts_.expects_continue = true;
        return std::nullopt;
    case field::unknown: return check_unknown(one);
    default: return std::nullopt;
    }
}

std::optional<refusal> parser::check_unknown(const header& one)
{
    if (into_.id.empty() && iequals(one.name_text, "X-Request-Id")) {
        if (one.value.size() <= 128 && std::ranges::all_of(one.value, is_visible)) into_.id = one.value;
        return std::nullopt;
    }
    if (!iequals(one.name_text, "X-Request-Deadline-Ms")) return std::nullopt;
    const auto value = parse_number<std::int64_t>(one.value);
    if (!value || *value < 1 || *value > longest_deadline_ms || facts_.deadline)
        return malformed("X-Request-Deadline-Ms must be one number from 1 to 3600000");
    facts_.deadline = std::chrono::milliseconds{*value};
    return std::nullopt;
}

std::optional<refusal> parser::check_content_length(std::string_view value)
{
    if (facts_.content_length) return malformed("Content-Length is repeated");
    if (transfer_encoding_) return malformed("Content-Length and Transfer-Encoding exclude each other");
    facts_.content_length = parse_number<std::uint64_t>(value);
    if (!facts_.content_length) return malformed("Content-Length must be one decimal number");
    return std::nullopt;
}

std::optional<refusal> parser::check_transfer_encoding(std::string_view value)
{
    if (facts_.content_length) return malformed("Content-Length and Transfer-Encoding exclude each other");
    if (transfer_encoding_ || !iequals(value, "chunked"))
        return malformed("Transfer-Encoding must be exactly one \"chunked\"");
    transfer_encoding_ = true;
    facts_.chunked = true;
    return std::nullopt;
}

std::optional<refusal> parser::check_host(std::string_view value)
{
    if (host_) return malformed("Host is repeated");
    host_ = true;
    if (!is_authority(value)) return malformed("Host is not a host with an optional port");
    return std::nullopt;
}

/// Beast refused the bytes: finds words for it.
refusal explain(std::string_view head, const error_code& error)
{
    if (head.find('\0') != std::string_view::npos) return malformed("the head has a NUL");
    for (auto at = head.find('\r'); at != std::string_view::npos; at = head.find('\r', at + 1))
        if (at + 1 == head.size() || head[at + 1] != '\n') return malformed("the head has a CR without LF");
    if (error == beast_http::error::bad_method) return malformed("the method is not a token");
    if (error == beast_http::error::bad_target)
        return malformed("the request target is missing or has a character that must be percent-encoded");
    if (error == beast_http::error::bad_version)
        return malformed("the request line is not METHOD SP TARGET SP HTTP/1.1");
    if (error == beast_http::error::bad_field) return malformed("a header name is not a token right before its colon");
    if (error == beast_http::error::bad_content_length || error == beast_http::error::multiple_content_length)
        return malformed("Content-Length must stand once, as one decimal number, and without Transfer-Encoding");
    if (error == beast_http::error::bad_transfer_encoding)
        return malformed("Transfer-Encoding must be exactly one \"chunked\", without Content-Length");
    return malformed("a header value is malformed");
}

/// "HTTP/" DIGIT "." DIGIT at the end of the request line, but of a version that is not spoken here.
bool is_other_version(std::string_view head) noexcept
{
    const auto line = head.substr(0, head.find('\r'));
    constexpr std::string_view name{"HTTP/"};
    if (line.size() < 8) return false;
    const auto version = line.substr(line.size() - 8);
    return version.starts_with(name) && is_digit(version[5]) && version[6] == '.' && is_digit(version[7]) &&
           (version[5] != '1' || version[7] > '1');
}

}  // namespace

std::optional<std::size_t> head_scanner::scan(std::string_view received, const limits& bounds)
{
    while (!refused_) {
        const auto feed = received.find('\n', seen_);
        const auto end = feed == std::string_view::npos ? received.size() + 1 : feed + 1;
        if (lines_ == 0 && end > bounds.request_line)
            refused_ = {414, "too_large", "the request line is too long"};
        else if (end > bounds.head)
            refused_ = {431, "too_large", "the request's headers are too long"};
        if (feed == std::string_view::npos || refused_) break;

        const auto line = received.substr(line_start_, feed - line_start_);
        seen_ = line_start_ = end;
        check_line(line, bounds);
        if (line == "\r" && !refused_) return end;
        ++lines_;
    }
    seen_ = received.size();
    return std::nullopt;
}

void head_scanner::check_line(std::string_view line, const limits& bounds)
{
    if (!line.ends_with('\r'))
        refused_ = malformed("the head has a LF without CR");
    else if (lines_ == 0 && line == "\r")
        refused_ = malformed("the request line is empty");
    else if (lines_ > 0 && (line.front() == ' ' || line.front() == '\t'))
        refused_ = malformed("a header is folded over lines");
    else if (lines_ > bounds.header_count && line != "\r")
        refused_ = {431, "too_large", "the request has too many headers"};
}

std::optional<refusal> parse_head(std::string_view head, request& into, head_facts& facts)
{
    into.clear();
    facts = {};
    if (is_other_version(head)) return refusal{505, "malformed", "only HTTP/1.1 and HTTP/1.0 are spoken here"};
    parser beast{into, facts};
    error_code error;
    beast.put(boost::asio::buffer(head.data(), head.size()), error);
    if (beast.refused()) return beast.refused();
    if (error) return explain(head, error);
    return beast.finish();
}

}  // namespace shoal::http
