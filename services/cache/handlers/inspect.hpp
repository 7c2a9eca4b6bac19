#pragma once
// /-/cache/inspect?url=URL: what this worker keeps of a URL, and why it may or may not be served.

#include <vector>

#include "common/http/router.hpp"
#include "services/cache/handlers/engine.hpp"

namespace shoal::cache {

class inspection {
public:
    explicit inspection(engine& of) : engine_{of} {}

    [[nodiscard]] std::vector<http::route> routes();

private:
    [[nodiscard]] http::reply inspect(const http::request& from) const;

    engine& engine_;
};

}  // namespace shoal::cache
