#pragma once
// Requests that must be refused, one by one, with the limits under which they are.

#include <string>
#include <vector>

#include "common/http/server.hpp"

namespace shoal::test {

struct refused_case {
    std::string name;
    std::string bytes;
    int status;
};

/// request_line 200, head 600, header_count 8, body 32.
[[nodiscard]] shoal::http::limits tight_limits();
[[nodiscard]] std::vector<refused_case> refused_cases();

/// Requests that look odd and are served all the same, with the path and body that a handler sees.
struct accepted_case {
    std::string name;
    std::string bytes;
    std::string target;
    std::string body;
};
[[nodiscard]] std::vector<accepted_case> accepted_cases();

}  // namespace shoal::test
