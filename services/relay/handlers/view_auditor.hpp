#pragma once
// Compares the views in Redis with what their queries return, some entries a second, again and again: finds what was
// changed behind the relay's back, and what no change of a table was said to concern.

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "common/worker/service.hpp"
#include "services/relay/handlers/settings.hpp"
#include "services/relay/handlers/view_audits.hpp"
#include "services/relay/handlers/view_keeper.hpp"
#include "services/relay/postgres/view_session.hpp"
#include "services/relay/views/audit.hpp"

namespace shoal::relay {

/// Of one attempt. What goes wrong with it ends nothing else.
class view_auditor {
public:
    /// All of these live longer.
    view_auditor(const worker::context& on, view_audits& counts, view_host& host, view_keeper& keeper,
                 std::shared_ptr<const settings> by);

    [[nodiscard]] boost::asio::awaitable<void> run();
    void close() noexcept { session_.close(); }

private:
    template <class T>
    using task = boost::asio::awaitable<T>;

    /// Differed when it was first looked at.
    struct suspect {
        std::string key;
        std::uint64_t print = 0;
        stored_entry stored{};
    };

    [[nodiscard]] task<bool> open();
    [[nodiscard]] task<void> sweep();
    [[nodiscard]] task<void> sweep(std::size_t view);
    [[nodiscard]] task<bool> look_at(std::size_t view, kept_view of, std::vector<std::string> keys);
    [[nodiscard]] task<bool> look_again(std::size_t view, kept_view of, std::vector<suspect> at, sight after);
    [[nodiscard]] task<std::optional<std::vector<std::string>>> next_keys(const kept_view& of, std::string& cursor);
    [[nodiscard]] task<std::optional<stored_entry>> stored(const kept_view& of, const std::string& key);
    [[nodiscard]] task<std::optional<stored_entry>> stored_members(std::string at);
    [[nodiscard]] task<bool> caught_up(const sight& with);
    [[nodiscard]] bool same(std::size_t view, const kept_view& of) const;
    void report(std::size_t view, const kept_view& of, const std::string& key);
    [[nodiscard]] task<void> rest(std::chrono::nanoseconds time);

    worker::context on_;
    view_audits& counts_;
    view_host& host_;
    view_keeper& keeper_;
    std::shared_ptr<const settings> by_;
    view_session session_;
};

}  // namespace shoal::relay
