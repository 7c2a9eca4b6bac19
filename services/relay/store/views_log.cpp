// What the relay's scripts do with views.

#include <array>
#include <charconv>
#include <string>
#include <utility>
#include <vector>

#include "common/purge_log/keys.hpp"
#include "common/redis/value.hpp"
#include "relay_store_embedded.hpp"
#include "services/relay/store/fenced_script.hpp"
#include "services/relay/store/relay_log.hpp"
#include "shoal_purge_log_embedded.hpp"

namespace shoal::relay {
namespace {

constexpr std::string_view entries_swept = "200";

/// Calls `take` with each name and value of a list of both. False for any other reply.
template <class Take>
bool each_pair(const redis::value& from, Take take)
{
    const auto* const array = from.array();
    if (array == nullptr || array->size() % 2 != 0) return false;
    for (std::size_t i = 0; i < array->size(); i += 2) {
        const auto* const name = (*array)[i].text();
        const auto* const value = (*array)[i + 1].text();
        if (name == nullptr || value == nullptr) return false;
        take(*name, *value);
    }
    return true;
}

}  // namespace

relay_log::reply<std::map<std::string, relay_log::known_view>> relay_log::views()
{
    const auto known = std::to_string(epoch_);
    const std::array<std::string_view, 2> arguments{known, fence_};
    const auto answer = co_await run(fenced_script<embedded::views_read_lua>("relay_views_read"), arguments);
    if (answer.has_error()) co_return answer.error();
    const auto* const array = answer.value().array();
    std::map<std::string, known_view> found;
    if (array->size() < 4) co_return errc::redis_unexpected_reply;
    const bool whole =
        each_pair((*array)[1],
                  [&](const auto& name, const auto& text) { found[name].now = views::parse_directory_entry(text); }) &&
        each_pair((*array)[2],
                  [&](const auto& name, const auto& text) {
                      std::from_chars(text.data(), text.data() + text.size(), found[name].generation);
                  }) &&
        each_pair((*array)[3], [&](const auto& name, const auto& text) { found[name].digest = text; });
    if (!whole) co_return errc::redis_unexpected_reply;
    co_return found;
}

relay_log::reply<void> relay_log::write(const view_writing& what, std::string_view viewed)
{
    const auto known = std::to_string(epoch_);
    std::vector<std::string_view> arguments{known, what.tags(), "", coherence::most_entries_kept, viewed};
    arguments.insert(arguments.end(), what.operations().begin(), what.operations().end());
    arguments.emplace_back(fence_);
    const auto& code = fenced_script<embedded::views_write_lua, embedded::purge_lua>("relay_views_write");
    const auto answer = co_await run(code, arguments);
    if (answer.has_error()) co_return answer.error();
    co_return boost::system::in_place_value;
}

relay_log::reply<void> relay_log::stage(std::string_view key, views::kind is, std::string_view part)
{
    const auto known = std::to_string(epoch_);
    const std::array<std::string_view, 5> arguments{known, key, views::name_of(is), part, fence_};
    const auto answer = co_await run(fenced_script<embedded::views_stage_lua>("relay_views_stage"), arguments);
    if (answer.has_error()) co_return answer.error();
    co_return boost::system::in_place_value;
}

relay_log::reply<bool> relay_log::sweep()
{
    const auto known = std::to_string(epoch_);
    const std::array<std::string_view, 3> arguments{known, entries_swept, fence_};
    const auto answer = co_await run(fenced_script<embedded::views_sweep_lua>("relay_views_sweep"), arguments);
    if (answer.has_error()) co_return result<bool>{boost::system::in_place_error, answer.error()};
    const auto* const more = number_at(answer.value(), 1);
    co_return more != nullptr&&* more == 1;
}

std::string relay_log::staging_key(std::uint64_t number) const
{
    return "{cache}:views:staged:" + fence_ + ':' + std::to_string(number);
}

}  // namespace shoal::relay
