#pragma once
// Answers questions: from what this worker keeps, or else from Redis, once for all who ask the same meanwhile.

#include <chrono>
#include <optional>
#include <string_view>

#include <boost/asio/awaitable.hpp>

#include "common/coherence/write_token.hpp"
#include "common/core/clock.hpp"
#include "common/http/router.hpp"
#include "common/purge_log/purge_log.hpp"
#include "common/worker/service.hpp"
#include "services/views/handlers/flights.hpp"
#include "services/views/handlers/relied_log.hpp"
#include "services/views/handlers/settings.hpp"
#include "services/views/memory/near_cache.hpp"
#include "services/views/query/question.hpp"
#include "services/views/store/reader.hpp"

namespace shoal::metrics {
class counter;
}

namespace shoal::views {

class desk {
public:
    /// Joins the purge log.
    desk(const worker::context& from, const settings& chosen);

    void choose(const settings& chosen);
    /// With `after`, only once the views have what that names.
    [[nodiscard]] http::reply ask(question asked, std::optional<coherence::write_token> after, http::request& from);
    [[nodiscard]] boost::asio::awaitable<http::response> list(http::request& from);
    [[nodiscard]] boost::asio::awaitable<void> drain() { return log_.drain(); }

private:
    /// One for each way in which a request ends.
    struct counts {
        explicit counts(metrics::registry& in);

        metrics::counter& hit;
        metrics::counter& miss;
        metrics::counter& collapsed;
        /// 404 for a key, too.
        metrics::counter& refused;
        metrics::counter& unavailable;
    };

    [[nodiscard]] answer_ptr kept(const question& asked, boot_time now);
    [[nodiscard]] boost::asio::awaitable<http::response> ask_after(question asked, coherence::write_token after,
                                                                   http::request& from);
    /// An answer that was asked for at `began` is new enough.
    [[nodiscard]] boost::asio::awaitable<http::response> ask_redis(question asked, boot_time began,
                                                                   http::request& from);
    [[nodiscard]] boost::asio::awaitable<http::response> fetch(const question& asked, http::request& from);
    [[nodiscard]] http::response tell(const parsed<answer_ptr>& made, const http::request& to,
                                      std::string_view served_how);

    counts counts_;
    std::chrono::nanoseconds wait_;
    coherence::purge_log log_;
    relied_log relied_;
    reader reader_;
    near_cache near_;
    flights flights_;
};

}  // namespace shoal::views
