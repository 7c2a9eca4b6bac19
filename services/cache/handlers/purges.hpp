#pragma once
// Purges as clients ask for them: POST /v1/cache/purge, and what follows from an answer of an origin.

#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "common/http/router.hpp"
#include "services/cache/coherence.hpp"
#include "services/cache/handlers/engine.hpp"

namespace shoal::cache {

class purges {
public:
    explicit purges(engine& of) : engine_{of} {}

    [[nodiscard]] std::vector<http::route> routes();

    /// Whether the request may purge: it has the token, or its client's address is listed.
    [[nodiscard]] bool admits(std::span<const field_view> fields) const;
    /// Answers once every worker has applied it.
    [[nodiscard]] boost::asio::awaitable<http::response> answer(std::vector<tag> tags, bool soft);
    /// Of what an unsafe request changed. The origin has done its work, so what can't be done now is done later.
    [[nodiscard]] boost::asio::awaitable<void> follow(std::vector<tag> tags);

private:
    [[nodiscard]] http::reply post(http::request& from);
    void owe(const std::vector<tag>& tags);
    [[nodiscard]] boost::asio::awaitable<void> pay();

    engine& engine_;
    /// What could not be purged while Redis was away.
    std::vector<tag> owed_;
    bool paying_ = false;
};

}  // namespace shoal::cache
