// A request that names a write of its client's: nothing that is kept or on its way is for it before that is purged
// here.

#include <algorithm>
#include <utility>
#include <variant>

#include "common/core/ascii.hpp"
#include "services/cache/coherence.hpp"
#include "services/cache/handlers/gate.hpp"
#include "services/cache/handlers/trouble.hpp"
#include "services/cache/protocol/fields.hpp"

namespace shoal::cache {
namespace {

namespace asio = boost::asio;

constexpr std::string_view field_name = "X-Shoal-After";

}  // namespace

std::optional<http::response> gate::read_after(const ask& what, std::optional<coherence::write_token>& into)
{
    if (!what.at->of().read_your_writes) return std::nullopt;
    for (const auto& one : what.fields) {
        if (!iequals(one.name, field_name)) continue;
        auto read = coherence::read_write_token(protocol::trim(one.value));
        if (!read || into) {
            what.at->instruments().count(answered::error);
            return refused(400,
                           "X-Shoal-After takes one position of PostgreSQL's log as \"16/B374D848\", or one token of 1 "
                           "to 64 of A-Z, a-z, 0-9, '.', '_' and '-'");
        }
        into = std::move(read);
    }
    return std::nullopt;
}

bool gate::is_purged(const ask& what, const coherence::write_token& write) const
{
    if (write.at == 0 || engine_.log.purged() < write.at) return false;
    // Without a lease it may go to the origin alone.
    if (!engine_.view_of(what.at->of()).current(what.received)) return false;
    what.at->instruments().count(write_read::at_once);
    return true;
}

asio::awaitable<void> gate::visit_after(ask what, coherence::write_token write, http::exchange& to)
{
    const auto until = std::min(what.received + *what.at->of().read_your_writes, what.deadline);
    bool purged = engine_.view_of(what.at->of()).current(boot_clock::now());
    if (purged) purged = co_await engine_.log.reach(coherence::effect::purges, std::move(write), until);
    const auto now = boot_clock::now();
    if (!purged || !engine_.view_of(what.at->of()).current(now)) {
        what.at->instruments().count(write_read::origin);
        what.write_not_purged = true;
        what.passed_for = "write-not-purged";
    } else {
        what.at->instruments().count(write_read::waited);
        what.after_write = true;
        // From here on it is one that came now: what was sent to the origin before may be older than the write.
        what.received = now;
    }
    auto reply = proceed(what, to);
    if (auto* const going = std::get_if<later>(&reply)) co_return co_await std::move(*going);
    if (auto* const made = std::get_if<http::prepared>(&reply)) co_return to.answer(std::move(*made));
    to.answer(std::get<http::response>(std::move(reply)));
}

}  // namespace shoal::cache
