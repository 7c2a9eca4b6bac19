#include <algorithm>
#include <cstdio>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "services/relay/postgres/replication.hpp"
#include "services/relay/postgres/view_session.hpp"
#include "services/relay/setup/operations.hpp"
#include "services/relay/setup/preparation.hpp"

namespace shoal::relay {
namespace {

/// Whether the role may do what a worker does: the one way to know is to do it.
boost::asio::awaitable<std::optional<found>> refuse_stream(boost::asio::io_context& loop, settings chosen, survey of)
{
    replication stream{loop};
    auto to = chosen.database;
    to.application = "shoal check";
    const auto who = co_await stream.connect(to);
    if (who) co_return std::nullopt;
    found made;
    made.what.text =
        fmt::format("connecting for replication: {}", stream.why().empty() ? who.error().message() : stream.why());
    if (!of.may_replicate) made.what.sql = fmt::format("ALTER ROLE {} REPLICATION;", in_quotes(of.role));
    co_return made;
}

/// Empty where a source's query takes and returns as many values as it has to.
std::string refuse_keys(const view_definition& of, const change_source& by, const view_session::outline& keys)
{
    if (keys.columns != of.key.size())
        return fmt::format("\"keys\" for {} returns {} columns, the view's key has {}", shown(by.table), keys.columns,
                           of.key.size());
    if (keys.parameters != by.columns.size())
        return fmt::format("\"keys\" for {} takes {} parameters, \"from\" has {} columns", shown(by.table),
                           keys.parameters, by.columns.size());
    return {};
}

/// Whether the query of a view can be run by this role, and returns what the view needs.
boost::asio::awaitable<std::optional<found>> refuse_query(view_session& by, view_definition of, std::string role)
{
    const auto shape = co_await by.shape(of);
    auto failed = shape ? boost::system::error_code{} : shape.error();
    // Rights are looked at when a query is about to run; of one with parameters only the text can be.
    if (shape) {
        const auto asked = co_await by.ask("EXPLAIN " + listed_sql(of));
        if (!asked) failed = asked.error();
        for (bool more = !failed; more;) {
            const auto next = co_await by.next();
            if (!next) failed = next.error();
            more = next && *next;
        }
    }
    for (const auto& one : of.changed_by) {
        if (failed || one.keys.empty()) continue;
        const auto keys = co_await by.describe(one.keys);
        if (!keys)
            failed = keys.error();
        else if (auto wrong = refuse_keys(of, one, *keys); !wrong.empty())
            co_return found{.where = "view " + of.name, .what = {severity::refuse, std::move(wrong)}};
    }
    std::vector<std::string> tables;
    for (const auto& one : of.changed_by) tables.push_back(in_quotes(one.table));
    found made{.where = "view " + of.name, .what = {severity::refuse, "the database refuses its query: " + by.why()}};
    bool lacks_right = failed && by.state() == "42501";
    if (!failed) {
        // Also of a table that only changes it.
        const auto list = fmt::format("{}", fmt::join(tables, ", "));
        const auto refused = co_await by.refuse_lock(list);
        if (!refused || refused->find("permission denied") == std::string::npos) co_return std::nullopt;
        made.what.text = "the database refuses a table: " + *refused;
        lacks_right = true;
    }
    if (lacks_right) made.what.sql = fmt::format("GRANT SELECT ON {} TO {};", fmt::join(tables, ", "), in_quotes(role));
    co_return made;
}

boost::asio::awaitable<std::vector<found>> refuse_queries(boost::asio::io_context& loop, settings chosen,
                                                          std::string role)
{
    std::vector<found> all;
    if (chosen.views.empty()) co_return all;
    view_session session{loop, chosen.query_timeout};
    auto to = chosen.database;
    to.application = "shoal check";
    const auto connected = co_await session.connect(to);
    if (!connected) {
        all.push_back({.what = {severity::refuse, "connecting for views: " + session.why()}});
        co_return all;
    }
    for (const auto& one : chosen.views) {
        auto refused = co_await refuse_query(session, one, role);
        if (refused) all.push_back(*std::move(refused));
    }
    co_return all;
}

std::string verdict(const std::vector<found>& all, const settings& chosen, const survey& of)
{
    if (!of.reached) return "Nothing could be checked.\n";
    if (is_sound(all))
        return fmt::format("{} rules{} hold in database {}: publication {}, slot {}.\n",
                           std::ranges::count(chosen.all, std::string{}, &rule::written_at),
                           chosen.views.empty() ? "" : fmt::format(" and {} views", chosen.views.size()),
                           printable(of.database), chosen.publication, chosen.slot);
    return fmt::format("While anything is refused, no relay follows database {}.\n", printable(of.database));
}

}  // namespace

std::vector<found> findings_of(const settings& chosen, const survey& of)
{
    std::vector<found> all;
    if (!of.unfit.empty()) all.push_back({.what = {severity::refuse, of.unfit}});
    if (!of.reached) return all;
    const auto lacking = prepare(chosen, of);
    if (!of.schema.has_publication)
        all.push_back({.what = {severity::refuse, fmt::format("there is no publication {}", chosen.publication),
                                lacking.schema.front(), true}});
    if (!of.slot.exists)
        all.push_back({.what = {severity::warn,
                                fmt::format("there is no slot {}; the first relay to come makes it, and all that was "
                                            "cached before is void then",
                                            chosen.slot),
                                lacking.slot.back(), true}});
    if (!of.may_see_replicas)
        all.push_back({.what = {severity::refuse, fmt::format("{} may not see how far replicas are", of.role),
                                fmt::format("GRANT pg_read_all_stats TO {};", in_quotes(of.role)), false}});
    for (std::size_t i = 0; of.may_see_replicas && i < of.connected_replicas.size(); ++i)
        if (!of.connected_replicas[i])
            all.push_back({.what = {severity::warn,
                                    fmt::format("no standby is connected whose application_name is {}: while it is "
                                                "away, nothing is purged for good",
                                                chosen.replicas[i]),
                                    {},
                                    false}});
    for (auto& one : review_all(chosen.all, of.schema.tables)) all.push_back(std::move(one));
    return all;
}

boost::asio::awaitable<int> check(boost::asio::io_context& loop, settings chosen, bool json)
{
    database base{loop};
    const auto seen = co_await look_at(base, chosen);
    auto all = findings_of(chosen, seen);
    if (seen.reached) {
        auto refused = co_await refuse_stream(loop, chosen, seen);
        if (refused) all.insert(all.begin(), *std::move(refused));
        auto queries = co_await refuse_queries(loop, chosen, seen.role);
        for (auto& one : queries) all.push_back(std::move(one));
    }
    std::string said;
    if (json) {
        said = to_json(all).dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + '\n';
    } else {
        for (const auto& one : all) said += to_text(one) + '\n';
        said += verdict(all, chosen, seen);
    }
    std::fputs(said.c_str(), stdout);
    co_return is_sound(all) ? 0 : 1;
}

}  // namespace shoal::relay
