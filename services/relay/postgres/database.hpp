#pragma once
// What the relay asks of the database, in verbs.

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "services/relay/postgres/connection.hpp"
#include "services/relay/progress/snapshot.hpp"
#include "services/relay/protocol/lsn.hpp"

namespace shoal::relay {

struct slot_facts {
    bool exists = false;
    /// PostgreSQL has forgotten what it needs: nothing can follow it.
    bool lost = false;
    /// In words, when it is there and can't be used: another plugin or database.
    std::string unfit;
    /// A process has it, or is making it.
    bool in_use = false;
    /// 0 while it is being made.
    lsn confirmed = 0;
};

/// What could be seen at one moment.
struct sight {
    snapshot seen;
    /// The end of the log: all that could be seen stands before it.
    lsn written = 0;
    /// Of that, what may be sent. Who commits asynchronously is seen before that.
    lsn flushed = 0;
    /// Of each replica that was asked about, zero of one that is not connected, or that nobody may see.
    std::vector<lsn> replayed{};

    /// By all of them.
    [[nodiscard]] lsn replayed_by_all() const noexcept
    {
        return replayed.empty() ? ~lsn{0} : *std::min_element(replayed.begin(), replayed.end());
    }
};

class database {
public:
    explicit database(boost::asio::io_context& loop) : session_{loop} {}

    template <class T>
    using reply = boost::asio::awaitable<result<T>>;

    [[nodiscard]] reply<void> connect(const database_settings& to);
    /// Why this database can't be followed, for people; empty when it can.
    [[nodiscard]] reply<std::string> refuse();
    [[nodiscard]] reply<slot_facts> slot(std::string_view name);
    [[nodiscard]] reply<void> create_slot(std::string_view name);
    /// With how far standbys of these application_names are, which takes pg_read_all_stats.
    [[nodiscard]] reply<sight> look(const std::vector<std::string>& replicas = {});
    /// Why nobody here may see how far standbys are; empty when one may.
    [[nodiscard]] reply<std::string> refuse_replicas();
    /// Of the log, what the slot keeps; 0 without one that could be a relay's of this database.
    [[nodiscard]] reply<std::uint64_t> retained(std::string_view slot);
    /// Only such a one of which PostgreSQL has forgotten what it needs, or that keeps this much by now. How many there
    /// were. Refused, with state() object_in_use, while a process has it.
    [[nodiscard]] reply<std::size_t> drop_lost_slot(std::string_view name);
    [[nodiscard]] reply<std::size_t> drop_slot_that_keeps(std::string_view name, std::uint64_t bytes);
    /// Has all flushed that is written by now, by committing something itself: a message that means nothing.
    [[nodiscard]] reply<void> push();
    /// For what is asked rarely.
    [[nodiscard]] reply<table> ask(std::string sql, std::chrono::milliseconds patience = std::chrono::seconds{10});

    void close() noexcept { session_.close(); }
    [[nodiscard]] const std::string& why() const noexcept { return session_.why(); }
    /// SQLSTATE of the last error, where PostgreSQL gave one.
    [[nodiscard]] const std::string& state() const noexcept { return session_.state(); }

private:
    [[nodiscard]] reply<std::size_t> drop_slot(std::string which);

    connection session_;
};

/// As a literal of SQL.
[[nodiscard]] std::string quoted(std::string_view text);

}  // namespace shoal::relay
