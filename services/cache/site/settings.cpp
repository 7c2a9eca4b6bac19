#include "services/cache/site/settings.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "common/config/reader.hpp"
#include "common/config/size.hpp"
#include "common/core/ascii.hpp"
#include "services/cache/site/read_fields.hpp"
#include "services/cache/site/read_site.hpp"

namespace shoal::cache {
namespace {

constexpr std::size_t most_sites = 1000;
constexpr std::size_t least_token = 16;
constexpr std::size_t most_token = 512;
constexpr std::int64_t mb = 1 << 20;
constexpr config::integer_range memory_sizes{mb, mb << 20U};
constexpr config::integer_range l2_sizes{0, 64 * mb};

std::string read_token(config::object& from, const std::string& file)
{
    if (file.empty()) return {};
    std::string token;
    try {
        token = config::read_file(file, 4096);
    } catch (const config::error& wrong) {
        from.problem("token_file", wrong.what());
        return {};
    }
    token.resize(token.find_last_not_of(" \t\r\n") + 1);
    const bool fits =
        token.size() >= least_token && token.size() <= most_token && std::ranges::all_of(token, is_visible);
    if (fits) return token;
    from.problem("token_file", "'" + file + "' must hold one line of 16 to 512 visible ASCII characters");
    return {};
}

std::vector<listed_block> read_blocks(config::object& from, std::string_view name)
{
    const auto refuse = [](const std::string& text) {
        return address_block::parse(text) ? ""
                                          : R"(must be an address or a block of them, as "127.0.0.1", "10.0.0.0/8")";
    };
    std::vector<listed_block> made;
    for (auto& text : read_texts(from, name, {.refuse = refuse})) {
        const auto addresses = *address_block::parse(text);
        made.push_back({std::move(text), addresses});
    }
    return made;
}

purge_access read_access(config::object from)
{
    purge_access made;
    made.token_file = from.text("token_file", "");
    made.token = read_token(from, made.token_file);
    made.allow = read_blocks(from, "allow");
    from.done();
    return made;
}

/// Of sites that were read before.
struct taken {
    std::set<std::string> names;
    /// To the name of its site.
    std::map<std::string, std::string> hosts;
};

void note_doubles(config::object& from, const site& read, taken& before)
{
    if (!read.name.empty() && !before.names.insert(read.name).second)
        from.problem("name", "'" + read.name + "' stands twice; each site needs a name of its own");
    for (const auto& host : read.hosts) {
        const auto [known, added] = before.hosts.emplace(host, read.name);
        if (!added) from.problem("hosts", "'" + host + "' is of the site '" + known->second + "' already");
    }
}

site_list read_sites(config::object& from, const std::vector<listed_block>& proxies)
{
    std::vector<site> sites;
    taken before;
    for (auto& one : from.children("sites", most_sites)) {
        sites.push_back(read_site(one));
        sites.back().proxies = proxies;
        note_doubles(one, sites.back(), before);
    }
    return site_list{std::move(sites)};
}

std::string size_of(std::uint64_t bytes)
{
    return config::format_size(static_cast<std::int64_t>(bytes));
}

nlohmann::json texts_of(const std::vector<listed_block>& list)
{
    auto texts = nlohmann::json::array();
    for (const auto& one : list) texts.push_back(one.text);
    return texts;
}

}  // namespace

settings read_settings(config::object& section)
{
    settings made;
    made.memory = static_cast<std::uint64_t>(section.size("memory", memory_sizes, 64 * mb));
    made.l2_object = static_cast<std::uint64_t>(section.size("l2_object", l2_sizes, mb));
    made.purge = read_access(section.child("purge"));
    made.trusted_proxies = read_blocks(section, "trusted_proxies");
    made.sites = read_sites(section, made.trusted_proxies);
    section.done();
    return made;
}

nlohmann::json to_json(const settings& from)
{
    using nlohmann::json;
    json purge{{"allow", texts_of(from.purge.allow)}};
    if (!from.purge.token_file.empty()) purge["token_file"] = from.purge.token_file;
    json shown{{"memory", size_of(from.memory)},
               {"l2_object", size_of(from.l2_object)},
               {"purge", std::move(purge)},
               {"trusted_proxies", texts_of(from.trusted_proxies)},
               {"sites", json::array()}};
    for (const auto& one : from.sites.all()) shown["sites"].push_back(to_json(one));
    return shown;
}

}  // namespace shoal::cache
