#pragma once
// libpq's asynchronous calls as coroutines of the worker's loop (PostgreSQL's documentation, 34.4 and 34.10).

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include "common/core/error.hpp"

struct pg_conn;
struct pg_result;

namespace shoal::relay {

struct database_settings {
    /// libpq's connection string. A host that has to be looked up holds the loop up for as long as that takes.
    std::string target;
    /// Empty, or a file whose first line is the password.
    std::string password_file;
    std::string application;
};

/// What a query returned, as text; NULL is empty.
using table = std::vector<std::vector<std::string>>;

/// SQLSTATE of what is refused because another process has it.
inline constexpr std::string_view object_in_use = "55006";

/// What is wrong with a connection string, for people; empty for a good one. A password in it is wrong.
[[nodiscard]] std::string refuse_target(const std::string& target);

/// One operation at a time, but for send() beside receive(). Errors: database_lost, which ends it, and
/// database_refused, whose text is why() and whose SQLSTATE is state().
class connection {
public:
    explicit connection(boost::asio::io_context& loop);
    ~connection();
    connection(const connection&) = delete;
    connection& operator=(const connection&) = delete;

    enum class kind : std::uint8_t { sql, replication };
    [[nodiscard]] boost::asio::awaitable<result<void>> connect(const database_settings& to, kind what,
                                                               std::chrono::milliseconds patience);
    /// Of several statements the last one's table. After START_REPLICATION, which has none, receive() and send().
    /// `patience` is for the whole answer; after it the connection is lost.
    [[nodiscard]] boost::asio::awaitable<result<table>> query(std::string sql, std::chrono::milliseconds patience);

    /// The columns of what a statement would return, their types' oids, and the number of $1 and so on; it is not run.
    struct described_column {
        std::string name;
        std::uint32_t type = 0;
    };
    struct description {
        std::vector<described_column> columns{};
        std::size_t parameters = 0;
    };
    [[nodiscard]] boost::asio::awaitable<result<description>> describe(std::string sql,
                                                                       std::chrono::milliseconds patience);

    /// One statement with texts for $1 and so on, whose rows come one by one: next_row() is false after the last one,
    /// or after an error. Nothing else may be asked before. `patience` is for all of them.
    [[nodiscard]] boost::asio::awaitable<result<void>> begin_rows(std::string sql, std::vector<std::string> parameters,
                                                                  std::chrono::milliseconds patience);
    [[nodiscard]] boost::asio::awaitable<result<bool>> next_row();
    /// Of the last row; nothing for NULL. Until the next next_row().
    using row_values = std::vector<std::optional<std::string_view>>;
    [[nodiscard]] const row_values& values() const noexcept { return values_; }

    /// The next message of the stream, valid until the next call.
    [[nodiscard]] boost::asio::awaitable<result<std::string_view>> receive();
    /// The next one that is there already; empty when there is none.
    [[nodiscard]] result<std::string_view> receive_now();
    [[nodiscard]] boost::asio::awaitable<result<void>> send(std::string message);

    /// Ends what waits, with database_lost.
    void close() noexcept;
    [[nodiscard]] bool open() const noexcept { return handle_ != nullptr; }
    /// Of what failed last, for people; empty once something else is asked.
    [[nodiscard]] const std::string& why() const noexcept { return why_; }
    [[nodiscard]] const std::string& state() const noexcept { return state_; }

private:
    using wait_type = boost::asio::posix::stream_descriptor::wait_type;
    struct finish {
        void operator()(pg_conn* of) const noexcept;
    };
    struct free_memory {
        void operator()(char* of) const noexcept;
    };

    struct clear_result {
        void operator()(pg_result* of) const noexcept;
    };
    using result_ptr = std::unique_ptr<pg_result, clear_result>;
    class limit;

    [[nodiscard]] boost::asio::awaitable<result<result_ptr>> next_result();
    [[nodiscard]] boost::asio::awaitable<bool> wait(wait_type ready);
    [[nodiscard]] boost::asio::awaitable<bool> poll();
    [[nodiscard]] boost::asio::awaitable<bool> flush();
    [[nodiscard]] boost::asio::awaitable<result<table>> read_results();
    void forget_problem() noexcept;
    [[nodiscard]] errc lost(std::string_view why = {});
    [[nodiscard]] errc refused(const pg_result* by);

    boost::asio::io_context& loop_;
    boost::asio::posix::stream_descriptor socket_;
    std::unique_ptr<pg_conn, finish> handle_;
    std::unique_ptr<char, free_memory> message_;
    std::unique_ptr<limit> rows_limit_;
    result_ptr row_;
    row_values values_;
    std::string why_;
    std::string state_;
};

}  // namespace shoal::relay
