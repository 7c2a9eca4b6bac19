#include "services/relay/handlers/settings.hpp"

#include <algorithm>

#include <xxhash.h>

#include "common/config/duration.hpp"
#include "common/config/reader.hpp"
#include "common/config/size.hpp"

namespace shoal::relay {
namespace {

constexpr std::size_t most_name_bytes = 63;
constexpr std::size_t most_replicas = 16;
constexpr config::duration_range patiences{std::chrono::milliseconds{100}, std::chrono::hours{1}};
constexpr config::duration_range query_timeouts{std::chrono::milliseconds{100}, std::chrono::minutes{10}};
constexpr std::int64_t mb = 1 << 20;
constexpr config::integer_range budgets{16 * mb, mb << 24};
constexpr std::int64_t default_budget = mb << 12;

/// PostgreSQL's own bounds for the name of a slot; a publication's need not be narrower.
std::string read_name(config::object& from, std::string_view field)
{
    auto name = from.text(field, "shoal");
    const bool fits = !name.empty() && name.size() <= most_name_bytes &&
                      std::all_of(name.begin(), name.end(),
                                  [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; });
    if (!fits) from.problem(field, "must be 1 to 63 of a to z, 0 to 9 and _");
    return name;
}

/// As PostgreSQL has application_name: 63 bytes of printable ASCII.
std::vector<std::string> read_replicas(config::object& from)
{
    std::vector<std::string> read;
    const auto* const found = from.raw("replicas");
    if (found == nullptr) return read;
    const auto fits = [](const nlohmann::json& one) {
        if (!one.is_string()) return false;
        const auto& name = one.get_ref<const std::string&>();
        return !name.empty() && name.size() <= most_name_bytes &&
               std::all_of(name.begin(), name.end(), [](char c) { return c >= ' ' && c <= '~'; });
    };
    if (!found->is_array() || found->size() > most_replicas || !std::all_of(found->begin(), found->end(), fits)) {
        from.problem("replicas", "must be a list of at most 16 names of 1 to 63 printable ASCII characters");
        return read;
    }
    for (const auto& one : *found) read.push_back(one.get<std::string>());
    return read;
}

int read_audit(config::object from)
{
    const auto per_second = from.integer("per_second", {1, 10'000}, 50);
    from.done();
    return static_cast<int>(per_second);
}

nlohmann::json shown_views(const view_definitions& all)
{
    auto shown = nlohmann::json::array();
    for (const auto& one : all) shown.push_back(to_json(one));
    return shown;
}

nlohmann::json shown_rules(const rules& all)
{
    auto shown = nlohmann::json::array();
    for (const auto& one : all) shown.push_back(to_json(one));
    return shown;
}

}  // namespace

settings read_settings(config::object& section)
{
    settings read;
    read.database.target = section.text("postgres", "");
    read.database.password_file = section.text("password_file", "");
    if (const auto why = refuse_target(read.database.target); !why.empty())
        section.problem("postgres", "is no connection string of libpq (\"host=/run/postgresql dbname=shop\"): " + why);
    read.publication = read_name(section, "publication");
    read.slot = read_name(section, "slot");
    read.wal_budget = static_cast<std::uint64_t>(section.size("wal_budget", budgets, default_budget));
    read.replicas = read_replicas(section);
    read.replica_patience = std::chrono::duration_cast<std::chrono::milliseconds>(
        section.duration("replica_patience", patiences, read.replica_patience));
    read.all = read_rules(section);
    read.views = read_views(section);
    read.query_timeout = std::chrono::duration_cast<std::chrono::milliseconds>(
        section.duration("query_timeout", query_timeouts, read.query_timeout));
    if (section.raw("audit") != nullptr) read.audits_per_second = read_audit(section.child("audit"));
    return read;
}

std::uint64_t rules_digest(const settings& of)
{
    auto text = of.publication + shown_rules(of.all).dump();
    for (const auto& each : of.replicas) text.append(1, '\0').append(each);
    return XXH3_64bits(text.data(), text.size());
}

nlohmann::json to_json(const settings& from)
{
    nlohmann::json shown{{"postgres", from.database.target},
                         {"password_file", from.database.password_file},
                         {"publication", from.publication},
                         {"slot", from.slot},
                         {"wal_budget", config::format_size(static_cast<std::int64_t>(from.wal_budget))},
                         {"replicas", from.replicas},
                         {"replica_patience", config::format_duration(from.replica_patience)},
                         {"rules", shown_rules(from.all)},
                         {"views", shown_views(from.views)},
                         {"query_timeout", config::format_duration(from.query_timeout)}};
    if (from.audits_per_second) shown["audit"] = {{"per_second", *from.audits_per_second}};
    return shown;
}

}  // namespace shoal::relay
