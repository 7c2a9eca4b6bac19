#include "services/relay/postgres/view_session.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace shoal::relay {
namespace {

using namespace std::chrono_literals;

constexpr auto connect_patience = 5s;
constexpr auto answer_patience = 2s;
/// So much longer than the server's own limit, that a query ends and not the connection.
constexpr auto slack = 10s;
/// Of whoever rewrites a table, or waits for it with everybody behind.
constexpr auto lock_timeout = 1s;
constexpr std::string_view lock_not_available = "55P03";
constexpr std::string_view undefined_table = "42P01";
constexpr std::string_view undefined_schema = "3F000";
constexpr std::string_view insufficient_privilege = "42501";

/// Values have the text that the stream gives them. The search path stays the role's own, as it is in psql.
constexpr const char* settings_sql =
    "SET standard_conforming_strings = on; SET default_transaction_read_only = on; "
    "SET idle_in_transaction_session_timeout = 0; SET datestyle = ISO; SET timezone = UTC; "
    "SET intervalstyle = postgres; SET bytea_output = hex; SET extra_float_digits = 1";

}  // namespace

view_session::reply<void> view_session::connect(const database_settings& to)
{
    auto connected = co_await session_.connect(to, connection::kind::sql, connect_patience);
    if (!connected) co_return connected;
    const auto limits = fmt::format("{}; SET statement_timeout = {}; SET lock_timeout = {}", settings_sql,
                                    timeout_.count(), std::chrono::milliseconds{lock_timeout}.count());
    const auto prepared = co_await session_.query(limits, answer_patience);
    if (!prepared) co_return prepared.error();
    co_return boost::system::in_place_value;
}

view_session::reply<sight> view_session::begin(std::string tables)
{
    why_.clear();
    const auto begun = co_await session_.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", answer_patience);
    if (!begun) co_return begun.error();
    // A table that is rewritten or truncated is empty to a snapshot from before (PostgreSQL's documentation, 13.6): so
    // whoever does that is waited for first.
    if (!tables.empty()) {
        const auto locked = co_await session_.query("SAVEPOINT locked; LOCK TABLE " + tables + " IN ACCESS SHARE MODE",
                                                    timeout_ + slack);
        const bool absent = !locked && (session_.state() == undefined_table || session_.state() == undefined_schema ||
                                        session_.state() == insufficient_privilege);
        // Its views say so when they are asked for.
        if (!locked && !absent) co_return locked.error();
        if (absent) {
            const auto back = co_await session_.query("ROLLBACK TO locked", answer_patience);
            if (!back) co_return back.error();
        }
    }
    // The snapshot is this query's, taken before the positions are read.
    const auto asked = co_await session_.query(
        "SELECT pg_catalog.pg_current_snapshot(), pg_catalog.pg_current_wal_insert_lsn(), "
        "pg_catalog.pg_current_wal_flush_lsn()",
        answer_patience);
    if (!asked) co_return asked.error();
    if (asked->size() != 1 || asked->front().size() != 3) co_return errc::database_malformed;
    auto seen = snapshot::parse(asked->front()[0]);
    const auto written = parse_lsn(asked->front()[1]);
    const auto flushed = parse_lsn(asked->front()[2]);
    if (!seen || !written || !flushed) co_return errc::database_malformed;
    co_return sight{*std::move(seen), *written, *flushed};
}

bool view_session::locked_out() const noexcept
{
    return session_.open() && session_.state() == lock_not_available;
}

view_session::reply<bool> view_session::lockable(std::string tables)
{
    const auto locked = co_await session_.query(fmt::format("BEGIN; LOCK TABLE {} IN ACCESS SHARE MODE NOWAIT", tables),
                                                answer_patience);
    if (!locked && locked.error() != errc::database_refused)
        co_return result<bool>{boost::system::in_place_error, locked.error()};
    const bool refused = !locked && locked_out();
    const auto ended = co_await end();
    if (!ended) co_return result<bool>{boost::system::in_place_error, ended.error()};
    co_return result<bool>{boost::system::in_place_value, !refused};
}

view_session::reply<void> view_session::end()
{
    const auto ended = co_await session_.query("ROLLBACK", answer_patience);
    if (!ended) co_return ended.error();
    co_return boost::system::in_place_value;
}

view_session::reply<view_shape> view_session::shape(view_definition of)
{
    why_.clear();
    const auto described = co_await session_.describe(described_sql(of.query), answer_patience);
    if (!described) co_return described.error();
    view_shape made;
    auto needed = of.key;
    if (of.has_members()) needed.push_back(of.member);
    const auto typed = needed.size();
    if (!of.score.empty()) needed.push_back(of.score);
    std::string types;
    for (const auto& one : *described) made.columns.push_back(one.name);
    for (std::size_t i = 0; i < needed.size(); ++i) {
        const auto found = std::ranges::find(made.columns, needed[i]);
        if (found == made.columns.end()) {
            why_ = fmt::format("the query returns no column {}", shown(needed[i]));
            co_return errc::database_refused;
        }
        if (i < typed)
            types += fmt::format("{}pg_catalog.format_type({}, -1)", types.empty() ? "" : ", ",
                                 (*described)[static_cast<std::size_t>(found - made.columns.begin())].type);
    }
    const auto asked = co_await session_.query("SELECT " + types, answer_patience);
    if (!asked) co_return asked.error();
    if (asked->size() != 1 || asked->front().size() != typed) co_return errc::database_malformed;
    made.types = asked->front();
    co_return made;
}

view_session::reply<std::size_t> view_session::describe(const std::string& sql)
{
    why_.clear();
    const auto described = co_await session_.describe(sql, answer_patience);
    if (!described) co_return described.error();
    co_return described->size();
}

view_session::reply<void> view_session::declare(std::string_view cursor, const std::string& sql)
{
    const auto declared =
        co_await session_.query(fmt::format("DECLARE {} NO SCROLL CURSOR FOR {}", cursor, sql), answer_patience);
    if (!declared) co_return declared.error();
    co_return boost::system::in_place_value;
}

view_session::reply<void> view_session::ask(std::string sql, std::vector<std::string> parameters)
{
    return session_.begin_rows(std::move(sql), std::move(parameters), timeout_ + slack);
}

}  // namespace shoal::relay
