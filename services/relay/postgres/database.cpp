#include "services/relay/postgres/database.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include <fmt/format.h>

namespace shoal::relay {
namespace {

using namespace std::chrono_literals;

constexpr auto connect_patience = 5s;
constexpr auto answer_patience = 2s;
/// A new slot waits for the transactions that run.
constexpr auto slot_patience = 60s;
constexpr int oldest_version = 140000;
constexpr const char* kept_bytes = "pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)";

/// A server's slots are those of all its databases, any of which could drop them.
std::string own_slot(std::string_view name)
{
    return fmt::format("slot_name = {} AND plugin = 'pgoutput' AND database = current_database()", quoted(name));
}

/// The least one of each name's, in their order; empty where one is away.
std::string replayed_sql(const std::vector<std::string>& replicas)
{
    std::string names;
    for (const auto& each : replicas) names.append(names.empty() ? "" : ", ").append(relay::quoted(each));
    return fmt::format(
        ", (SELECT string_agg(coalesce(at::text, ''), ' ' ORDER BY place) FROM (SELECT place, (SELECT CASE WHEN "
        "count(replay_lsn) = count(*) THEN min(replay_lsn) END FROM pg_stat_replication WHERE application_name = name) "
        "AS at FROM unnest(ARRAY[{}]) WITH ORDINALITY AS listed (name, place)) AS each)",
        names);
}

std::vector<lsn> read_replayed(std::string_view text)
{
    std::vector<lsn> found;
    for (std::size_t at = 0; at <= text.size();) {
        const auto end = std::min(text.find(' ', at), text.size());
        found.push_back(parse_lsn(text.substr(at, end - at)).value_or(0));
        at = end + 1;
    }
    return found;
}

}  // namespace

std::string quoted(std::string_view text)
{
    std::string made{"'"};
    for (const char each : text) made.append(each == '\'' ? 2 : 1, each);
    return made += '\'';
}

database::reply<void> database::connect(const database_settings& to)
{
    auto connected = co_await session_.connect(to, connection::kind::sql, connect_patience);
    if (!connected) co_return connected;
    auto prepared = co_await session_.query(
        "SET standard_conforming_strings = on; SET default_transaction_read_only = off; SET search_path = pg_catalog; "
        // For push(): no standby is waited for.
        "SET synchronous_commit = local",
        answer_patience);
    if (!prepared) co_return prepared.error();
    co_return boost::system::in_place_value;
}

database::reply<std::string> database::refuse()
{
    const auto asked = co_await session_.query(
        "SELECT current_setting('server_version_num'), current_setting('wal_level'), pg_encoding_to_char(encoding), "
        "pg_is_in_recovery() FROM pg_database WHERE datname = current_database()",
        answer_patience);
    if (!asked) co_return asked.error();
    if (asked->size() != 1 || asked->front().size() != 4) co_return errc::database_malformed;
    const auto& found = asked->front();
    if (std::atoi(found[0].c_str()) < oldest_version) co_return "PostgreSQL is older than 14";
    if (found[3] == "t") co_return "it is a standby: follow its primary";
    if (found[1] != "logical")
        co_return fmt::format("wal_level is {}, not logical: ALTER SYSTEM SET wal_level = logical, and restart it",
                              found[1]);
    if (found[2] == "SQL_ASCII")
        co_return "the database's encoding is SQL_ASCII, so nobody knows what its texts are: make one of UTF8";
    co_return std::string{};
}

database::reply<slot_facts> database::slot(std::string_view name)
{
    const auto asked = co_await session_.query(
        fmt::format("SELECT plugin, database = current_database(), coalesce(wal_status, ''), confirmed_flush_lsn, "
                    "active FROM pg_replication_slots WHERE slot_name = {}",
                    quoted(name)),
        answer_patience);
    if (!asked) co_return asked.error();
    slot_facts found;
    if (asked->empty()) co_return found;
    if (asked->front().size() != 5) co_return errc::database_malformed;
    const auto& row = asked->front();
    found.exists = true;
    if (row[0] != "pgoutput")
        found.unfit = fmt::format("slot {} has the plugin {}, not pgoutput", name, row[0]);
    else if (row[1] != "t")
        found.unfit = fmt::format("slot {} is of another database", name);
    found.lost = row[2] == "lost";
    found.confirmed = parse_lsn(row[3]).value_or(0);
    found.in_use = row[4] == "t";
    co_return found;
}

database::reply<void> database::create_slot(std::string_view name)
{
    const auto made = co_await session_.query(
        fmt::format("SELECT pg_create_logical_replication_slot({}, 'pgoutput')", quoted(name)), slot_patience);
    if (!made) co_return made.error();
    co_return boost::system::in_place_value;
}

database::reply<table> database::ask(std::string sql, std::chrono::milliseconds patience)
{
    return session_.query(std::move(sql), patience);
}

database::reply<sight> database::look(const std::vector<std::string>& replicas)
{
    // The snapshot is the statement's, taken before the positions are read.
    std::string query{"SELECT pg_current_snapshot(), pg_current_wal_insert_lsn(), pg_current_wal_flush_lsn()"};
    if (!replicas.empty()) query += replayed_sql(replicas);
    const auto asked = co_await session_.query(std::move(query), answer_patience);
    if (!asked) co_return asked.error();
    if (asked->size() != 1 || asked->front().size() != (replicas.empty() ? 3U : 4U)) co_return errc::database_malformed;
    auto seen = snapshot::parse(asked->front()[0]);
    const auto written = parse_lsn(asked->front()[1]);
    const auto flushed = parse_lsn(asked->front()[2]);
    if (!seen || !written || !flushed) co_return errc::database_malformed;
    sight made{.seen = *std::move(seen), .written = *written, .flushed = *flushed};
    if (!replicas.empty()) made.replayed = read_replayed(asked->front()[3]);
    if (made.replayed.size() != replicas.size()) co_return errc::database_malformed;
    co_return made;
}

database::reply<std::string> database::refuse_replicas()
{
    const auto asked =
        co_await session_.query("SELECT pg_has_role('pg_read_all_stats', 'USAGE'), current_user", answer_patience);
    if (!asked) co_return asked.error();
    if (asked->size() != 1 || asked->front().size() != 2) co_return errc::database_malformed;
    const auto& found = asked->front();
    if (found[0] == "t") co_return std::string{};
    co_return fmt::format("{} may not see how far replicas are: GRANT pg_read_all_stats TO it", found[1]);
}

database::reply<void> database::push()
{
    const auto pushed = co_await session_.query("SELECT pg_logical_emit_message(true, 'shoal', '')", answer_patience);
    if (!pushed) co_return pushed.error();
    co_return boost::system::in_place_value;
}

database::reply<std::uint64_t> database::retained(std::string_view slot)
{
    const auto asked = co_await session_.query(
        fmt::format("SELECT greatest({}, 0) FROM pg_replication_slots WHERE {} AND restart_lsn IS NOT NULL", kept_bytes,
                    own_slot(slot)),
        answer_patience);
    if (!asked) co_return asked.error();
    if (asked->empty()) co_return 0U;
    std::uint64_t bytes = 0;
    const auto& text = asked->front().front();
    if (std::from_chars(text.data(), text.data() + text.size(), bytes).ec != std::errc{})
        co_return errc::database_malformed;
    co_return bytes;
}

database::reply<std::size_t> database::drop_lost_slot(std::string_view name)
{
    return drop_slot(fmt::format("{} AND wal_status = 'lost'", own_slot(name)));
}

database::reply<std::size_t> database::drop_slot_that_keeps(std::string_view name, std::uint64_t bytes)
{
    return drop_slot(fmt::format("{} AND {} >= {}", own_slot(name), kept_bytes, bytes));
}

database::reply<std::size_t> database::drop_slot(std::string which)
{
    const auto dropped = co_await session_.query(
        fmt::format("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE {}", which),
        answer_patience);
    if (!dropped) co_return dropped.error();
    co_return dropped->size();
}

}  // namespace shoal::relay
