#include "services/cache/protocol/request_view.hpp"

#include <algorithm>
#include <array>

namespace shoal::cache::protocol {

method_kind kind_of(std::string_view method) noexcept
{
    constexpr std::array<std::string_view, 6> safe{"OPTIONS", "TRACE", "PROPFIND", "REPORT", "SEARCH", "QUERY"};
    if (method == "GET") return method_kind::get;
    if (method == "HEAD") return method_kind::head;
    return std::ranges::find(safe, method) != safe.end() ? method_kind::safe : method_kind::unsafe;
}

request_view read_request(std::string_view method, field_span fields) noexcept
{
    request_view made;
    made.method = kind_of(method);
    made.directives = read_request_directives(fields);
    made.fields = fields;
    made.has_authorization = has(fields, "authorization");
    made.has_cookie = has(fields, "cookie");
    made.only_for_origin = has(fields, "if-match") || has(fields, "if-unmodified-since");
    made.has_if_none_match = has(fields, "if-none-match");
    if (!made.has_if_none_match) made.if_modified_since = find(fields, "if-modified-since").value_or("");
    if (made.method == method_kind::get) {
        made.range = find(fields, "range").value_or("");
        made.if_range = find(fields, "if-range").value_or("");
    }
    return made;
}

}  // namespace shoal::cache::protocol
