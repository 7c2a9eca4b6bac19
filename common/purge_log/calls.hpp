#pragma once
// The purge log in Redis: what its scripts do, in verbs.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "common/coherence/acknowledgement.hpp"
#include "common/coherence/log_follower.hpp"
#include "common/core/error.hpp"
#include "common/redis/value.hpp"

namespace shoal::redis {
class client;
}

namespace shoal::coherence {

/// Entries, and the reply that they point into; it may be moved.
struct log_part {
    redis::value raw;
    std::vector<log_entry> entries;
};

struct renewal {
    log_head head;
    log_part since;
};

struct purge_reply {
    stamp at;
    boot_time received;
    std::vector<acknowledgement::member> members;
};

/// An entry of the log, for operators.
struct logged_purge {
    stamp at;
    /// Of Redis' clock, microseconds; zero of one that an older version wrote.
    std::uint64_t time = 0;
    /// "relay" or "api".
    std::string by{};
    /// How many tags.
    std::size_t hard = 0;
    std::size_t soft = 0;
};

class purge_log_calls {
public:
    /// The connection lives longer.
    explicit purge_log_calls(redis::client& state) : state_{state} {}

    template <class T>
    using reply = boost::asio::awaitable<result<T>>;

    /// Views live until the awaited call returns; `known` is the newest epoch that the caller has heard of.
    [[nodiscard]] reply<log_head> head(std::uint64_t known);
    [[nodiscard]] reply<renewal> renew(std::uint64_t known, std::string_view incarnation, const member_report& report);
    /// Where the transactions end that emitted these, in the order of the question; zero of those that nobody knows.
    /// Not empty.
    [[nodiscard]] reply<std::vector<lsn>> tokens(const std::vector<std::string>& names);
    /// Shorter than asked for where the table ends.
    [[nodiscard]] reply<std::string> table_part(std::size_t offset, std::size_t length);
    /// `hard` and `soft` are packed buckets, not both empty. All get one sequence.
    [[nodiscard]] reply<purge_reply> purge(std::uint64_t known, std::string_view hard, std::string_view soft);
    /// What members last reported, in the order of the question; nothing of who is none.
    [[nodiscard]] reply<std::vector<std::optional<std::string>>> reports(
        const std::vector<std::string_view>& incarnations);
    /// At most `count` entries up to that sequence, the newest first; of any epoch.
    [[nodiscard]] reply<std::vector<logged_purge>> history(std::uint64_t up_to, std::size_t count);
    /// Those that have renewed since stay.
    [[nodiscard]] reply<void> forget(const std::vector<acknowledgement::member>& members);
    [[nodiscard]] reply<void> leave(std::string_view incarnation);

    /// Entries after `sequence`, as soon as there are any; none after `block`. Holds the connection up meanwhile.
    [[nodiscard]] static reply<log_part> arrivals(redis::client& on, std::uint64_t sequence,
                                                  std::chrono::milliseconds block);

private:
    redis::client& state_;
};

}  // namespace shoal::coherence
