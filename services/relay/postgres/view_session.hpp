#pragma once
// A session of the database in which the queries of views run: it reads, each round in one snapshot.

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "services/relay/postgres/database.hpp"
#include "services/relay/views/definition.hpp"
#include "services/relay/views/entry.hpp"
#include "services/relay/views/sql.hpp"

namespace shoal::relay {

/// Errors are those of a connection: after database_refused a round is over, and the session goes on.
class view_session {
public:
    /// `timeout`: of one statement, in the server, which waits for a lock for half of it at most.
    view_session(boost::asio::io_context& loop, std::chrono::milliseconds timeout) : session_{loop}, timeout_{timeout}
    {
    }

    template <class T>
    using reply = boost::asio::awaitable<result<T>>;

    [[nodiscard]] reply<void> connect(const database_settings& to);
    [[nodiscard]] bool open() const noexcept { return session_.open(); }
    void close() noexcept { session_.close(); }

    /// From here to end() everything is of one snapshot: what it sees, and up to where the log was flushed then.
    /// Nobody rewrites or truncates `tables` meanwhile, a list as SQL has it, or nothing. Who does is waited for during
    /// at most a second; then it is refused.
    [[nodiscard]] reply<sight> begin(std::string tables);
    /// Outside of begin() and end(): why begin() would refuse these after so much time, none for at once; empty where
    /// it would not.
    [[nodiscard]] reply<std::string> refuse_lock(std::string tables, std::chrono::milliseconds patience = {});
    /// Also after something was refused.
    [[nodiscard]] reply<void> end();

    /// What the query returns; database_refused also where a column is missing that the view names.
    [[nodiscard]] reply<view_shape> shape(view_definition of);
    /// How many columns a statement returns, and how many parameters it takes; it is not run.
    struct outline {
        std::size_t columns = 0;
        std::size_t parameters = 0;
    };
    [[nodiscard]] reply<outline> describe(const std::string& sql);
    /// For FETCH, until end() or close().
    [[nodiscard]] reply<void> declare(std::string_view cursor, const std::string& sql);
    /// The rows of a statement: next() until it is false.
    [[nodiscard]] reply<void> ask(std::string sql, std::vector<std::string> parameters = {});
    [[nodiscard]] reply<bool> next() { return session_.next_row(); }
    [[nodiscard]] sql_row row() const noexcept { return session_.values(); }

    [[nodiscard]] std::string why() const { return why_.empty() ? session_.why() : why_; }
    [[nodiscard]] const std::string& state() const noexcept { return session_.state(); }

private:
    connection session_;
    std::chrono::milliseconds timeout_;
    std::string why_;
};

}  // namespace shoal::relay
