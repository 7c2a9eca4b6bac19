#include "services/relay/store/relay_log.hpp"

#include <array>
#include <span>
#include <utility>
#include <vector>

#include "common/coherence/tags.hpp"
#include "common/purge_log/keys.hpp"
#include "common/redis/client.hpp"
#include "relay_store_embedded.hpp"
#include "services/relay/store/fenced_script.hpp"
#include "shoal_purge_log_embedded.hpp"

namespace shoal::relay {
namespace {

namespace log = coherence;

constexpr std::array<std::string_view, 5> own_keys{log::head_key, log::log_key, log::table_key, log::members_key,
                                                   log::relay_key};

const redis::script& own_script()
{
    static const std::string text = std::string{embedded::epoch_lua}.append(embedded::own_lua);
    static const redis::script code{"relay_own", text};
    return code;
}

}  // namespace

relay_log::reply<redis::value> relay_log::run(const redis::script& code, std::span<const std::string_view> arguments)
{
    return run(code, own_keys, arguments);
}

relay_log::reply<redis::value> relay_log::run(const redis::script& code, std::span<const std::string_view> keys,
                                              std::span<const std::string_view> arguments)
{
    auto answer = co_await state_.eval(code, keys, arguments);
    if (answer.has_error()) co_return answer.error();
    const auto* const epoch = number_at(answer.value(), 0);
    if (epoch == nullptr) co_return errc::redis_unexpected_reply;
    fenced_ = *epoch == 0;
    if (fenced_) co_return errc::redis_unexpected_reply;
    epoch_ = static_cast<std::uint64_t>(*epoch);
    co_return std::move(answer.value());
}

relay_log::reply<relay_log::ownership> relay_log::own()
{
    const auto known = std::to_string(epoch_);
    const std::array<std::string_view, 2> arguments{known, incarnation_};
    const auto answer = co_await run(own_script(), arguments);
    if (answer.has_error()) co_return answer.error();
    const auto* const fence = number_at(answer.value(), 1);
    const auto* const array = answer.value().array();
    const auto* const source = array->size() > 3 ? (*array)[2].text() : nullptr;
    const auto* const position = array->size() > 3 ? (*array)[3].text() : nullptr;
    const auto* const views_source = array->size() > 5 ? (*array)[4].text() : nullptr;
    const auto* const views_position = array->size() > 5 ? (*array)[5].text() : nullptr;
    if (fence == nullptr || source == nullptr || position == nullptr || views_source == nullptr ||
        views_position == nullptr)
        co_return errc::redis_unexpected_reply;
    fence_ = std::to_string(*fence);
    co_return ownership{*source, *position, *views_source, *views_position};
}

relay_log::reply<void> relay_log::attach(std::string_view source, std::string_view position,
                                         std::string_view views_source)
{
    const auto known = std::to_string(epoch_);
    const std::array<std::string_view, 5> arguments{known, source, position, views_source, fence_};
    const auto answer = co_await run(fenced_script<embedded::attach_lua>("relay_attach"), arguments);
    if (answer.has_error()) co_return answer.error();
    co_return boost::system::in_place_value;
}

relay_log::reply<void> relay_log::purge(std::string_view hard, std::string_view soft, const note& with)
{
    const auto known = std::to_string(epoch_);
    std::vector<std::string> token_keys;
    std::vector<std::string_view> arguments{known, hard, soft, log::most_entries_kept, with.purged};
    for (const auto& [token, end] : with.tokens) {
        token_keys.push_back(std::string{log::token_key_prefix}.append(token));
        arguments.push_back(end);
    }
    std::vector<std::string_view> keys{own_keys.begin(), own_keys.end()};
    keys.insert(keys.end(), token_keys.begin(), token_keys.end());
    arguments.push_back(fence_);
    const auto answer =
        co_await run(fenced_script<embedded::purged_lua, embedded::purge_lua>("relay_purge"), keys, arguments);
    if (answer.has_error()) co_return answer.error();
    co_return boost::system::in_place_value;
}

relay_log::reply<std::uint64_t> relay_log::beat(pulse what)
{
    const auto known = std::to_string(epoch_);
    const auto time = std::to_string(what.claim);
    const auto views_time = std::to_string(what.views_claim);
    const std::array<std::string_view, 7> arguments{known,       time,       what.position, what.purged,
                                                    what.viewed, views_time, fence_};
    const auto answer = co_await run(fenced_script<embedded::beat_lua>("relay_beat"), arguments);
    if (answer.has_error()) co_return answer.error();
    const auto* const now = number_at(answer.value(), 1);
    if (now == nullptr || *now <= 0) co_return errc::redis_unexpected_reply;
    co_return static_cast<std::uint64_t>(*now);
}

}  // namespace shoal::relay
