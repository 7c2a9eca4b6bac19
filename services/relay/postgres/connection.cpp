#include "services/relay/postgres/connection.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <libpq-fe.h>

#include "common/config/reader.hpp"

namespace shoal::relay {
namespace {

namespace asio = boost::asio;
using asio::awaitable;

constexpr auto as_result = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t most_password_bytes = 4096;
/// A relay that is stopped gives its slot up after this; it says something ten times as often.
/// Tags are made of the texts of values, which must not be others because a server, a database or a role has settings
/// of its own.
constexpr const char* replication_options =
    "-c wal_sender_timeout=2s -c statement_timeout=0 -c datestyle=ISO -c timezone=UTC -c intervalstyle=postgres "
    "-c bytea_output=hex -c extra_float_digits=1";

table to_table(const pg_result& from)
{
    table rows(static_cast<std::size_t>(PQntuples(&from)));
    for (std::size_t i = 0; i < rows.size(); ++i)
        for (int column = 0; column < PQnfields(&from); ++column)
            rows[i].emplace_back(PQgetvalue(&from, static_cast<int>(i), column));
    return rows;
}

/// Of a bool an error has to be said to be one.
result<bool> failed_row(boost::system::error_code by)
{
    return {boost::system::in_place_error, by};
}

/// libpq's messages end with a line feed, and may have several lines.
std::string one_line(std::string_view text)
{
    std::string line{text};
    while (!line.empty() && line.back() == '\n') line.pop_back();
    std::replace(line.begin(), line.end(), '\n', ' ');
    return line;
}

std::string password_in(const std::string& file)
{
    if (file.empty()) return {};
    auto text = config::read_file(file, most_password_bytes);
    text.resize(std::min(text.find('\n'), text.size()));
    return text;
}

}  // namespace

std::string refuse_target(const std::string& target)
{
    char* problem = nullptr;
    auto* const options = PQconninfoParse(target.c_str(), &problem);
    if (options == nullptr) {
        auto why = one_line(problem != nullptr ? problem : "out of memory");
        PQfreemem(problem);
        return why;
    }
    std::string why;
    for (const auto* one = options; one->keyword != nullptr; ++one) {
        // So libpq marks what must not be shown.
        if (one->val == nullptr || std::string_view{one->dispchar} != "*") continue;
        const std::string_view name{one->keyword};
        why = name == "password" ? "it has a password, which every account could read; use password_file"
                                 : fmt::format("it has {}, which every account could read", name);
    }
    PQconninfoFree(options);
    return why;
}

void connection::finish::operator()(pg_conn* of) const noexcept
{
    PQfinish(of);
}

void connection::clear_result::operator()(pg_result* of) const noexcept
{
    PQclear(of);
}

void connection::free_memory::operator()(char* of) const noexcept
{
    PQfreemem(of);
}

/// Ends the connection unless the operation ends before: also when both are found at the same turn of the loop, as
/// then it is too late to cancel the timer.
class connection::limit {
public:
    limit(connection& of, std::chrono::milliseconds patience) : timer_{of.loop_, patience}
    {
        timer_.async_wait([&of, going_on = std::weak_ptr{going_on_}](const boost::system::error_code& cancelled) {
            if (!cancelled && !going_on.expired()) (void)of.lost("the database did not answer in time");
        });
    }

private:
    std::shared_ptr<bool> going_on_ = std::make_shared<bool>(true);
    asio::steady_timer timer_;
};

connection::connection(asio::io_context& loop) : loop_{loop}, socket_{loop} {}

connection::~connection()
{
    close();
}

void connection::close() noexcept
{
    // The descriptor is libpq's.
    if (socket_.is_open()) socket_.release();
    handle_.reset();
    rows_limit_.reset();
    values_.clear();
    row_.reset();
}

errc connection::lost(std::string_view why)
{
    why_ = one_line(!why.empty() || !handle_ ? why : PQerrorMessage(handle_.get()));
    state_.clear();
    close();
    return errc::database_lost;
}

void connection::forget_problem() noexcept
{
    why_.clear();
    state_.clear();
}

errc connection::refused(const pg_result* by)
{
    why_ = one_line(PQresultErrorMessage(by));
    const auto* const state = PQresultErrorField(by, PG_DIAG_SQLSTATE);
    state_ = state != nullptr ? state : "";
    return errc::database_refused;
}

awaitable<bool> connection::wait(wait_type ready)
{
    const auto [error] = co_await socket_.async_wait(ready, as_result);
    co_return !error && handle_;
}

awaitable<result<void>> connection::connect(const database_settings& to, kind what, std::chrono::milliseconds patience)
{
    close();
    forget_problem();
    std::string password;
    try {
        password = password_in(to.password_file);
    } catch (const config::error& problem) {
        co_return lost(problem.what());
    }
    // What comes later goes before what the target says.
    const std::array keywords{"dbname",  "application_name", "client_encoding", "keepalives_idle",
                              "options", "replication",      "password",        static_cast<const char*>(nullptr)};
    const bool streams = what == kind::replication;
    const std::array values{to.target.c_str(),
                            to.application.c_str(),
                            "UTF8",
                            "10",
                            streams ? replication_options : "",
                            streams ? "database" : "",
                            password.c_str(),
                            static_cast<const char*>(nullptr)};
    handle_.reset(PQconnectStartParams(keywords.data(), values.data(), 1));
    if (!handle_ || PQstatus(handle_.get()) == CONNECTION_BAD) co_return lost();
    PQsetnonblocking(handle_.get(), 1);
    const limit within{*this, patience};
    const bool connected = co_await poll();
    if (!handle_) co_return errc::database_lost;
    if (!connected) co_return lost();
    socket_.assign(PQsocket(handle_.get()));
    co_return boost::system::in_place_value;
}

/// The socket may be another at each step.
awaitable<bool> connection::poll()
{
    auto state = PGRES_POLLING_WRITING;
    while (state != PGRES_POLLING_OK) {
        socket_.assign(PQsocket(handle_.get()));
        const auto [error] = co_await socket_.async_wait(
            state == PGRES_POLLING_READING ? wait_type::wait_read : wait_type::wait_write, as_result);
        if (!handle_) co_return false;
        socket_.release();
        if (error) co_return false;
        state = PQconnectPoll(handle_.get());
        if (state == PGRES_POLLING_FAILED) co_return false;
    }
    co_return true;
}

awaitable<bool> connection::flush()
{
    for (;;) {
        const int state = PQflush(handle_.get());
        if (state <= 0) co_return state == 0;
        if (!co_await wait(wait_type::wait_write)) co_return false;
    }
}

awaitable<result<table>> connection::query(std::string sql, std::chrono::milliseconds patience)
{
    if (!handle_) co_return errc::database_lost;
    forget_problem();
    if (PQsendQuery(handle_.get(), sql.c_str()) == 0) co_return lost();
    const limit within{*this, patience};
    if (!co_await flush()) co_return handle_ ? lost() : errc::database_lost;
    auto answer = co_await read_results();
    co_return answer;
}

/// Null after the last one.
awaitable<result<connection::result_ptr>> connection::next_result()
{
    while (PQisBusy(handle_.get()) != 0) {
        const bool ready = co_await wait(wait_type::wait_read);
        if (!ready) co_return handle_ ? lost() : errc::database_lost;
        if (PQconsumeInput(handle_.get()) == 0) co_return lost();
    }
    co_return result_ptr{PQgetResult(handle_.get())};
}

awaitable<result<table>> connection::read_results()
{
    result<table> answer = table{};
    for (;;) {
        auto next = co_await next_result();
        if (!next) co_return next.error();
        const auto& got = *next;
        if (!got) co_return answer;
        switch (PQresultStatus(got.get())) {
        case PGRES_COPY_BOTH: co_return answer;
        case PGRES_TUPLES_OK: answer = to_table(*got); break;
        case PGRES_COMMAND_OK:
        case PGRES_EMPTY_QUERY: break;
        default: answer = refused(got.get());
        }
    }
}

awaitable<result<connection::description>> connection::describe(std::string sql, std::chrono::milliseconds patience)
{
    if (!handle_) co_return errc::database_lost;
    forget_problem();
    const limit within{*this, patience};
    if (PQsendPrepare(handle_.get(), "", sql.c_str(), 0, nullptr) == 0) co_return lost();
    bool flushed = co_await flush();
    if (!flushed) co_return handle_ ? lost() : errc::database_lost;
    const auto prepared = co_await read_results();
    if (!prepared) co_return prepared.error();
    if (PQsendDescribePrepared(handle_.get(), "") == 0) co_return lost();
    flushed = co_await flush();
    if (!flushed) co_return handle_ ? lost() : errc::database_lost;
    result<description> answer = description{};
    for (;;) {
        auto next = co_await next_result();
        if (!next) co_return next.error();
        const auto* const got = next->get();
        if (got == nullptr) co_return answer;
        if (PQresultStatus(got) != PGRES_COMMAND_OK) {
            answer = refused(got);
            continue;
        }
        answer->parameters = static_cast<std::size_t>(PQnparams(got));
        for (int i = 0; i < PQnfields(got); ++i) answer->columns.push_back({PQfname(got, i), PQftype(got, i)});
    }
}

awaitable<result<void>> connection::begin_rows(std::string sql, std::vector<std::string> parameters,
                                               std::chrono::milliseconds patience)
{
    if (!handle_) co_return errc::database_lost;
    forget_problem();
    std::vector<const char*> texts;
    for (const auto& one : parameters) texts.push_back(one.c_str());
    if (PQsendQueryParams(handle_.get(), sql.c_str(), static_cast<int>(texts.size()), nullptr, texts.data(), nullptr,
                          nullptr, 0) == 0)
        co_return lost();
    PQsetSingleRowMode(handle_.get());
    rows_limit_ = std::make_unique<limit>(*this, patience);
    const bool flushed = co_await flush();
    if (!flushed) co_return handle_ ? lost() : errc::database_lost;
    co_return boost::system::in_place_value;
}

awaitable<result<bool>> connection::next_row()
{
    if (!handle_) co_return failed_row(errc::database_lost);
    result<bool> answer = false;
    for (;;) {
        auto next = co_await next_result();
        if (!next) co_return failed_row(next.error());
        row_ = *std::move(next);
        values_.clear();
        if (!row_) break;
        const auto status = PQresultStatus(row_.get());
        if (status == PGRES_SINGLE_TUPLE) {
            for (int i = 0; i < PQnfields(row_.get()); ++i)
                values_.push_back(
                    PQgetisnull(row_.get(), 0, i) != 0
                        ? std::nullopt
                        : std::optional{std::string_view{PQgetvalue(row_.get(), 0, i),
                                                         static_cast<std::size_t>(PQgetlength(row_.get(), 0, i))}});
            co_return true;
        }
        if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) answer = failed_row(refused(row_.get()));
    }
    rows_limit_.reset();
    co_return answer;
}

result<std::string_view> connection::receive_now()
{
    if (!handle_) return errc::database_lost;
    char* bytes = nullptr;
    const int length = PQgetCopyData(handle_.get(), &bytes, 1);
    message_.reset(bytes);
    if (length > 0) return std::string_view{bytes, static_cast<std::size_t>(length)};
    if (length == 0) return std::string_view{};
    const result_ptr end{PQgetResult(handle_.get())};
    return lost(end ? PQresultErrorMessage(end.get()) : "");
}

awaitable<result<std::string_view>> connection::receive()
{
    for (;;) {
        const auto got = receive_now();
        if (!got || !got->empty()) co_return got;
        if (!co_await wait(wait_type::wait_read)) co_return handle_ ? lost() : errc::database_lost;
        if (PQconsumeInput(handle_.get()) == 0) co_return lost();
    }
}

awaitable<result<void>> connection::send(std::string message)
{
    if (!handle_) co_return errc::database_lost;
    if (PQputCopyData(handle_.get(), message.data(), static_cast<int>(message.size())) < 0) co_return lost();
    // A variable, as in feed::attempt().
    const bool sent = co_await flush();
    if (!sent) co_return handle_ ? lost() : errc::database_lost;
    co_return boost::system::in_place_value;
}

}  // namespace shoal::relay
