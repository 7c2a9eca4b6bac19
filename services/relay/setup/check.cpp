#include <cstdio>

#include <fmt/format.h>

#include "services/relay/postgres/replication.hpp"
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

std::string verdict(const std::vector<found>& all, const settings& chosen, const survey& of)
{
    if (!of.reached) return "Nothing could be checked.\n";
    if (is_sound(all))
        return fmt::format("{} rules hold in database {}: publication {}, slot {}.\n", chosen.all.size(),
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
