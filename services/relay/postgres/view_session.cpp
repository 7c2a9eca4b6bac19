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
constexpr std::chrono::milliseconds longest_lock_wait = 1s;
constexpr std::string_view lock_not_available = "55P03";

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
                                    timeout_.count(), std::min(longest_lock_wait, timeout_ / 2).count());
    const auto prepared = co_await session_.query(limits, answer_patience);
    if (!prepared) co_return prepared.error();
    // So that a query whose session was closed ends soon, and gives up its locks; not every platform can.
    const auto checked = co_await session_.query("SET client_connection_check_interval = '1s'", answer_patience);
    if (!checked && checked.error() != errc::database_refused) co_return checked.error();
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
        const auto locked = co_await session_.query("LOCK TABLE " + tables + " IN ACCESS SHARE MODE", timeout_ + slack);
        if (!locked) co_return locked.error();
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

view_session::reply<std::string> view_session::refuse_lock(std::string tables, std::chrono::milliseconds patience)
{
    const auto wait = patience == 0ms ? std::string{"NOWAIT"} : std::string{};
    const auto limit = patience == 0ms ? std::string{} : fmt::format("SET LOCAL lock_timeout = {}; ", patience.count());
    const auto locked = co_await session_.query(
        fmt::format("BEGIN; {}LOCK TABLE {} IN ACCESS SHARE MODE {}", limit, tables, wait), answer_patience);
    if (!locked && locked.error() != errc::database_refused) co_return locked.error();
    std::string refused;
    if (!locked)
        refused = session_.state() == lock_not_available ? "one of its tables is locked: " + tables : session_.why();
    const auto ended = co_await end();
    if (!ended) co_return ended.error();
    co_return refused;
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
    for (const auto& one : described->columns) made.columns.push_back(one.name);
    for (std::size_t i = 0; i < needed.size(); ++i) {
        const auto found = std::ranges::find(made.columns, needed[i]);
        if (found == made.columns.end()) {
            why_ = fmt::format("the query returns no column {}", shown(needed[i]));
            co_return errc::database_refused;
        }
        if (i < typed)
            types += fmt::format("{}pg_catalog.format_type({}, -1)", types.empty() ? "" : ", ",
                                 described->columns[static_cast<std::size_t>(found - made.columns.begin())].type);
    }
    const auto asked = co_await session_.query("SELECT " + types, answer_patience);
    if (!asked) co_return asked.error();
    if (asked->size() != 1 || asked->front().size() != typed) co_return errc::database_malformed;
    made.types = asked->front();
    co_return made;
}

view_session::reply<view_session::outline> view_session::describe(const std::string& sql)
{
    why_.clear();
    const auto described = co_await session_.describe(sql, answer_patience);
    if (!described) co_return described.error();
    co_return outline{described->columns.size(), described->parameters};
}

view_session::reply<void> view_session::declare(std::string_view cursor, const std::string& sql)
{
    const auto declared =
        co_await session_.query(fmt::format("DECLARE {} NO SCROLL CURSOR FOR {}", cursor, sql), timeout_ + slack);
    if (!declared) co_return declared.error();
    co_return boost::system::in_place_value;
}

view_session::reply<void> view_session::ask(std::string sql, std::vector<std::string> parameters)
{
    return session_.begin_rows(std::move(sql), std::move(parameters), timeout_ + slack);
}

}  // namespace shoal::relay
