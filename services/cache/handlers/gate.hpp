#pragma once
// Where requests for sites come in: from memory at once, by a fill that others may share, or passed to the origin.

#include <optional>

#include <boost/asio/awaitable.hpp>

#include "common/coherence/write_token.hpp"
#include "common/http/exchange.hpp"
#include "services/cache/handlers/ask.hpp"
#include "services/cache/handlers/engine.hpp"
#include "services/cache/handlers/purges.hpp"

namespace shoal::cache {

class gate {
public:
    gate(engine& of, purges& through) : engine_{of}, purges_{through} {}

    [[nodiscard]] http::streamed_reply handle(http::request& from, http::exchange& to);

private:
    using later = boost::asio::awaitable<void>;

    struct sight {
        std::optional<http::prepared> answer;
        /// What is there but can't be served as it is.
        stored_ptr stale;
    };
    /// Where a reader of a fill stands.
    struct seat {
        fill_ptr in;
        fill_ticket ticket;
        bool leads = false;
    };

    [[nodiscard]] std::optional<http::response> locate(const http::request& from);
    /// `now` was read after the request had been received, and after whatever it has waited for.
    [[nodiscard]] sight look_up(ask& what, boot_time now);
    /// What counts for one request.
    [[nodiscard]] site_view view_for(const ask& what) const noexcept;
    [[nodiscard]] standing standing_for(const ask& what, const stored& of) const;
    [[nodiscard]] http::streamed_reply proceed(ask& what, http::exchange& to);
    [[nodiscard]] std::optional<http::prepared> look_up_part(ask& what, boot_time now);
    [[nodiscard]] later visit(ask what, http::exchange& to);
    [[nodiscard]] seat take_seat(ask& what, const stored_ptr& stale, bool alone);
    [[nodiscard]] fill_ptr start(const ask& what, const stored_ptr& found, bool alone);
    [[nodiscard]] protocol::forward_reason why_forwarded(const stored_ptr& found) const;
    [[nodiscard]] bool is_for(ask& what, const seat& at) const;
    [[nodiscard]] bool may_have(const ask& what, const stored& kept) const;
    [[nodiscard]] later stream(const ask& what, const seat& at, fill::reader& reader, http::exchange& to);
    /// `stale` is what the origin was asked about, or null.
    void fail(ask& what, stored_ptr stale, boost::system::error_code why, http::exchange& to);

    // gate_after.cpp: requests that name a write of their client's.
    [[nodiscard]] static std::optional<http::response> read_after(const ask& what,
                                                                  std::optional<coherence::write_token>& into);
    [[nodiscard]] bool is_purged(const ask& what, const coherence::write_token& write) const;
    [[nodiscard]] later visit_after(ask what, coherence::write_token write, http::exchange& to);

    [[nodiscard]] later pass(ask what, http::exchange& to);
    [[nodiscard]] later hand_on(ask what, origin::answer& answer, http::exchange& to);
    [[nodiscard]] later purge_one(ask what, http::exchange& to);

    engine& engine_;
    purges& purges_;
    /// Of the request that is being looked at; hits leave nothing of it behind but its memory.
    ask scratch_;
};

}  // namespace shoal::cache
