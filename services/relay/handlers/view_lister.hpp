#pragma once
// Which keys a view has: those that its query returns in one snapshot, then those that Redis has. They are listed while
// rounds go on, however long the query takes; each key is recomputed in a later round, together with what changes
// meanwhile, so no entry is older than what was written before.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include "common/worker/service.hpp"
#include "services/relay/handlers/view_host.hpp"
#include "services/relay/postgres/view_session.hpp"

namespace shoal::relay {

/// Of one attempt, and one view at a time.
class view_lister {
public:
    /// The host lives longer.
    view_lister(const worker::context& on, view_host& host, database_settings to);

    /// Until the attempt is over.
    [[nodiscard]] boost::asio::awaitable<void> run();
    void close() noexcept;

    struct job {
        std::size_t view = 0;
        /// Lives longer.
        const view_definition* of = nullptr;
        std::uint64_t generation = 0;
        /// Nothing of the generation is in Redis yet that the query may lack.
        bool fresh = false;
        /// Tables that are locked while the query runs, as SQL has them.
        std::string tables;
    };
    void begin(job what);
    /// Forgets what was listed.
    void stop() noexcept;
    [[nodiscard]] std::optional<std::size_t> view() const noexcept;

    /// `lost`: some time after the session had ended.
    enum class outcome : std::uint8_t { going_on, all, refused, lost };
    [[nodiscard]] outcome at() const noexcept { return at_; }
    /// Of a query that was refused.
    [[nodiscard]] const std::string& why() const noexcept { return why_; }
    /// A round has something to do with it.
    [[nodiscard]] bool wants_round() const noexcept;

    /// Up to most_keys_at_once that were listed, the same ones until they are said to be recomputed.
    [[nodiscard]] const std::vector<std::string>& next();
    void recomputed() noexcept;
    /// next() gave the last ones.
    [[nodiscard]] bool complete() const noexcept { return at_ == outcome::all && waiting_.empty(); }

private:
    template <class T>
    using task = boost::asio::awaitable<T>;

    [[nodiscard]] task<void> list();
    [[nodiscard]] task<bool> open();
    [[nodiscard]] task<bool> list_rows();
    [[nodiscard]] task<bool> list_index();
    [[nodiscard]] task<bool> await_room();
    [[nodiscard]] task<void> pause(std::chrono::nanoseconds at_most);
    [[nodiscard]] bool outdated() const noexcept;
    void ended(outcome how, std::string why = {});
    [[nodiscard]] bool failed(boost::system::error_code error);

    worker::context on_;
    view_host& host_;
    database_settings to_;
    view_session session_;
    boost::asio::steady_timer wake_;
    std::optional<job> job_;
    /// The job that is being listed is another one than the one that was begun last.
    std::uint64_t number_ = 0;
    std::uint64_t listing_ = 0;
    outcome at_ = outcome::going_on;
    std::string why_;
    /// The session ended under it.
    bool lost_ = false;
    std::vector<std::string> waiting_;
    std::vector<std::string> taken_;
};

}  // namespace shoal::relay
