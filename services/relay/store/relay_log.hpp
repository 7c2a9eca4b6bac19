#pragma once
// The purge log as the relay writes it, and what it notes beside it: who has the slot, what it is attached to, and up
// to when everything of the database is in the log.

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "common/core/error.hpp"
#include "common/views/layout.hpp"
#include "services/relay/views/writing.hpp"

namespace shoal::redis {
class client;
class script;
struct value;
}  // namespace shoal::redis

namespace shoal::relay {

class relay_log {
public:
    /// The connection lives longer.
    relay_log(redis::client& state, std::string incarnation) : state_{state}, incarnation_{std::move(incarnation)} {}

    template <class T>
    using reply = boost::asio::awaitable<result<T>>;

    struct ownership {
        /// What the relay before was attached to, and how far it was there; empty where nobody knows.
        std::string source;
        std::string position;
        /// The same of an epoch before this one, too: what views have.
        std::string views_source;
        std::string views_position;
    };
    /// Once the slot is this process's: no relay before it writes any more. Every other call but this fails with
    /// redis_unexpected_reply, and fenced() is true, once another one has called it; beat() and write() also when the
    /// log has another epoch than when this one attached, attach() when it has another than the last call told.
    [[nodiscard]] reply<ownership> own();
    /// Everything up to `position` is done, and purged. `views_source`: what the views are of, the same or nothing.
    [[nodiscard]] reply<void> attach(std::string_view source, std::string_view position, std::string_view views_source);
    struct note {
        /// With this write all is purged that ends before; nothing is noted for an empty one.
        std::string purged{};
        /// Tokens and where their transactions end: those that this write makes done.
        std::vector<std::pair<std::string, std::string>> tokens{};
    };
    /// Packed buckets. Everything lives until it is awaited.
    [[nodiscard]] reply<void> purge(std::string_view hard, std::string_view soft, const note& with);
    /// Notes that everything up to `position` is done, and up to `purged` purged, or nothing for an empty one. Returns
    /// the server's clock, microseconds. With a `claim`, a time that an earlier call gave: everything that could be
    /// seen in the database then is in the log. `viewed` and `views_claim` are the same of views.
    struct pulse {
        std::uint64_t claim = 0;
        std::string position{};
        std::string purged{};
        std::string viewed{};
        std::uint64_t views_claim = 0;
    };
    [[nodiscard]] reply<std::uint64_t> beat(pulse what);

    /// What Redis has of views: by their names.
    struct known_view {
        std::optional<views::directory_entry> now;
        /// The last that was given out.
        std::uint64_t generation = 0;
        std::string digest;
    };
    [[nodiscard]] reply<std::map<std::string, known_view>> views();
    /// All of it or nothing, at once. With it everything is in the views that ends before `viewed`, unless that is
    /// empty.
    [[nodiscard]] reply<void> write(const view_writing& what, std::string_view viewed);
    /// Under a key that nobody reads, and that is forgotten after some minutes: a document, or some pairs of another.
    [[nodiscard]] reply<void> stage(std::string_view key, views::kind is, std::string_view part);
    /// Deletes some entries of old generations. False when there are none left.
    [[nodiscard]] reply<bool> sweep();
    /// Names that no other relay uses.
    [[nodiscard]] std::string staging_key(std::uint64_t number) const;

    /// Another relay has the slot, or the log another epoch.
    [[nodiscard]] bool fenced() const noexcept { return fenced_; }
    /// The newest that was heard of.
    [[nodiscard]] std::uint64_t epoch() const noexcept { return epoch_; }

private:
    [[nodiscard]] reply<redis::value> run(const redis::script& code, std::span<const std::string_view> arguments);
    [[nodiscard]] reply<redis::value> run(const redis::script& code, std::span<const std::string_view> keys,
                                          std::span<const std::string_view> arguments);

    redis::client& state_;
    std::string incarnation_;
    std::uint64_t epoch_ = 0;
    std::string fence_ = "0";
    bool fenced_ = false;
};

}  // namespace shoal::relay
