#pragma once
// Those who wait until a transaction of the database is purged here, or is in the views: many, for one renewal.

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

#include "common/coherence/view.hpp"
#include "common/coherence/write_token.hpp"

namespace shoal::coherence {

/// What of a transaction is waited for.
enum class effect : std::uint8_t { purges, views };

class write_waits {
public:
    /// `log` lives longer. `wanted`: somebody waits now, so that news is to be asked for soon.
    write_waits(boost::asio::io_context& loop, const coherence_view& log, std::function<void()> wanted)
        : loop_{loop}, log_{log}, wanted_{std::move(wanted)}
    {
    }

    /// True once every transaction up to that of the token has had that effect here. False at `until`, without a lease,
    /// for a token that nobody knows by then, and when too many wait for tokens already.
    [[nodiscard]] boost::asio::awaitable<bool> reach(effect wanted, write_token token, boot_time until);

    [[nodiscard]] bool empty() const noexcept { return waiting_.empty(); }
    /// Names of which nobody has said where their transactions end; each once.
    [[nodiscard]] std::vector<std::string> unknown() const;
    /// Where one ends.
    void found(std::string_view name, lsn end);
    /// After everything that may have changed: whoever has nothing to wait for any more goes on.
    void look();

private:
    struct waiter;

    [[nodiscard]] bool is_reached(effect wanted, const write_token& token) const noexcept;

    boost::asio::io_context& loop_;
    const coherence_view& log_;
    std::function<void()> wanted_;
    /// Each in the frame of its coroutine.
    std::vector<waiter*> waiting_;
    /// How many wait for each of these.
    std::map<std::string, std::size_t, std::less<>> unknown_;
};

}  // namespace shoal::coherence
