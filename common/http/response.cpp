#include "common/http/response.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

#include <boost/beast/http/status.hpp>

#include <nlohmann/json.hpp>

namespace shoal::http {
namespace {

constexpr std::size_t usual_header_bytes = 256;

[[maybe_unused]] bool is_safe(std::string_view text) noexcept
{
    return text.find_first_of(std::string_view{"\r\n\0", 3}) == std::string_view::npos;
}

}  // namespace

response& response::add(std::string_view name, std::string_view value) &
{
    assert(is_safe(name) && is_safe(value));
    // One allocation is enough for most answers.
    if (header_lines_.empty()) header_lines_.reserve(std::max(usual_header_bytes, name.size() + value.size() + 4));
    header_lines_.append(name).append(": ").append(value).append("\r\n");
    return *this;
}

response&& response::add(std::string_view name, std::string_view value) &&
{
    return std::move(add(name, value));
}

response& response::body(std::string_view content_type, std::string text) &
{
    body_ = std::move(text);
    return add("Content-Type", content_type);
}

response&& response::body(std::string_view content_type, std::string text) &&
{
    return std::move(body(content_type, std::move(text)));
}

response& response::close() & noexcept
{
    close_ = true;
    return *this;
}

response problem(unsigned status, std::string_view detail)
{
    namespace beast_http = boost::beast::http;
    const auto reason = beast_http::obsolete_reason(beast_http::int_to_status(status));
    // A detail may quote what a client sent: what is not UTF-8 is replaced.
    const nlohmann::ordered_json text{
        {"type", "about:blank"}, {"title", std::string{reason}}, {"status", status}, {"detail", std::string{detail}}};
    return response{status}.body("application/problem+json",
                                 text.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
}

}  // namespace shoal::http
