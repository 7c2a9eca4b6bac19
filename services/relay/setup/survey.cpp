#include "services/relay/setup/survey.hpp"

#include <utility>

#include <fmt/format.h>

#include "common/worker/settings.hpp"
#include "services/relay/handlers/handlers.hpp"
#include "services/relay/views/marks.hpp"

namespace shoal::relay {

settings read_configuration(const std::string& file)
{
    handlers relay;
    worker::read_settings(file, relay).apply_service();
    auto chosen = relay.chosen();
    // A table that changes a view has to fit as one that purges does.
    for (auto& one : rules_of(chosen.views).all) chosen.all.push_back(std::move(one));
    return chosen;
}

std::string failure(std::string_view what, boost::system::error_code error, const database& from)
{
    return fmt::format("{}: {}", what, from.why().empty() ? error.message() : from.why());
}

boost::asio::awaitable<survey> look_at(database& from, const settings& chosen)
{
    survey made;
    auto to = chosen.database;
    to.application = "shoal setup";
    const auto connected = co_await from.connect(to);
    if (!connected) {
        made.unfit = failure("connecting to the database", connected.error(), from);
        co_return made;
    }
    const auto who = co_await from.ask(
        "SELECT current_database(), rolname, rolsuper OR rolreplication FROM pg_roles WHERE rolname = current_user");
    const auto unfit = co_await from.refuse();
    // An older one lacks what is asked next.
    if (!who || who->empty() || !unfit || !unfit->empty()) {
        made.unfit = unfit && !unfit->empty() ? "the database can't be followed: " + *unfit
                                              : failure("asking the database", unfit.error(), from);
        co_return made;
    }
    made.database = who->front()[0];
    made.role = who->front()[1];
    made.may_replicate = who->front()[2] == "t";
    const auto schema = co_await read_catalog(from, chosen.publication, chosen.all);
    const auto slot = co_await from.slot(chosen.slot);
    if (!schema || !slot) {
        made.unfit = failure("reading the catalog", schema ? slot.error() : schema.error(), from);
        co_return made;
    }
    if (!chosen.replicas.empty()) {
        const auto refused = co_await from.refuse_replicas();
        const auto sight = co_await from.look(chosen.replicas);
        if (!refused || !sight) {
            made.unfit = failure("asking how far replicas are", refused ? sight.error() : refused.error(), from);
            co_return made;
        }
        made.may_see_replicas = refused->empty();
        for (const auto each : sight->replayed) made.connected_replicas.push_back(each != 0);
    }
    made.reached = true;
    made.schema = *schema;
    made.slot = *slot;
    made.unfit = slot->unfit;
    co_return made;
}

}  // namespace shoal::relay
