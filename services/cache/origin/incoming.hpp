#pragma once
// An answer whose head is there, and the connection that its body comes from until it is complete.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "services/cache/origin/origin.hpp"
#include "services/cache/origin/request_body.hpp"
#include "services/cache/origin/server.hpp"

namespace shoal::cache::origin {

class incoming final : public answer {
public:
    /// The reader of the connection has just read the head. `unsent` is null where all of the request is sent.
    incoming(lease held, std::unique_ptr<request_body> unsent);

    [[nodiscard]] unsigned status() const noexcept override { return head_.status; }
    [[nodiscard]] const std::vector<http::header>& headers() const noexcept override { return head_.headers; }
    [[nodiscard]] std::optional<std::uint64_t> length() const noexcept override;
    [[nodiscard]] boost::asio::awaitable<result<shared_bytes>> read() override;
    [[nodiscard]] bool takes_rest() const noexcept override { return held_ && unsent_; }
    [[nodiscard]] boost::asio::awaitable<void> send_rest() override;
    [[nodiscard]] bool ready() const noexcept override { return !held_ || !next_.view.empty(); }
    [[nodiscard]] std::string_view trailers() const noexcept override { return trailers_; }

private:
    void advance();
    void fail(boost::system::error_code why);

    lease held_;
    std::unique_ptr<request_body> unsent_;
    http::response_head head_;
    /// A piece that is there already, so that the connection of a small answer is free at once.
    shared_bytes next_;
    std::string trailers_;
    boost::system::error_code failure_;
    /// Of the request, which is no fault of the server's.
    boost::system::error_code body_failure_;
};

}  // namespace shoal::cache::origin
