#pragma once
// The routes of a server in one table.

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "common/http/request.hpp"
#include "common/http/response.hpp"

namespace shoal::http {

/// An answer that is there already, which costs no coroutine, or one that will be.
using reply = std::variant<response, boost::asio::awaitable<response>>;
using handler = std::function<reply(request&)>;

/// In a route's place for a method: whichever it is, also one that HTTP does not know. A route for one method goes
/// before it where both have the same pattern.
inline constexpr verb any_method = verb::unknown;

struct route {
    verb method;
    /// "/v1/limits/{rule}/{key}": a placeholder matches one segment that is not empty.
    std::string_view pattern;
    /// Label of the metrics: few and fixed.
    std::string_view name;
    handler handle;
};

class router {
public:
    /// At most four placeholders a pattern; throws std::logic_error for a pattern that is wrong or stands twice.
    explicit router(std::vector<route> routes);

    struct match {
        /// Null when there is none: then `allowed` has the methods of the path for Allow, or is empty (404).
        const route* found = nullptr;
        std::string allowed;
    };
    /// Fills request.parameters. HEAD is answered by the GET route; the session leaves the body away.
    [[nodiscard]] match find(request& from) const;

    [[nodiscard]] const std::vector<route>& routes() const noexcept { return routes_; }

private:
    /// A pattern in its segments; an empty one stands for a placeholder.
    struct shape {
        std::vector<std::string> segments;
        std::size_t route;
    };

    [[nodiscard]] std::string allowed_for(std::string_view path) const;

    std::vector<route> routes_;
    /// Where two match, the one whose literal comes first in the path stands first; of one pattern, any_method is last.
    std::vector<shape> shapes_;
};

}  // namespace shoal::http
