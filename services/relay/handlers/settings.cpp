#include "services/relay/handlers/settings.hpp"

#include <algorithm>

#include <xxhash.h>

#include "common/config/reader.hpp"
#include "common/config/size.hpp"

namespace shoal::relay {
namespace {

constexpr std::size_t most_name_bytes = 63;
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
    read.all = read_rules(section);
    return read;
}

std::uint64_t rules_digest(const settings& of)
{
    const auto text = of.publication + shown_rules(of.all).dump();
    return XXH3_64bits(text.data(), text.size());
}

nlohmann::json to_json(const settings& from)
{
    return {{"postgres", from.database.target},
            {"password_file", from.database.password_file},
            {"publication", from.publication},
            {"slot", from.slot},
            {"wal_budget", config::format_size(static_cast<std::int64_t>(from.wal_budget))},
            {"rules", shown_rules(from.all)}};
}

}  // namespace shoal::relay
