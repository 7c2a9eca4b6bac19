#include "common/purge_log/calls.hpp"

#include <array>
#include <charconv>
#include <span>
#include <utility>

#include "common/purge_log/keys.hpp"
#include "common/redis/client.hpp"
#include "shoal_purge_log_embedded.hpp"

namespace shoal::coherence {
namespace {

constexpr std::array<std::string_view, 4> keys{head_key, log_key, table_key, members_key};
constexpr std::array<std::string_view, 5> keys_and_relay{head_key, log_key, table_key, members_key, relay_key};

constexpr std::string_view most_entries_at_once = "1000";

/// The embedded text after what all scripts begin with.
template <const std::string_view& Source>
const redis::script& with_epoch(std::string_view name)
{
    static const std::string whole = std::string{embedded::epoch_lua}.append(Source);
    static const redis::script code{name, whole};
    return code;
}

const redis::script& forget_script()
{
    static const redis::script code{"purge_log_forget", embedded::forget_lua};
    return code;
}

std::optional<std::uint64_t> number_in(std::string_view text) noexcept
{
    std::uint64_t number = 0;
    const auto* const end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, number);
    if (text.empty() || read.ec != std::errc{} || read.ptr != end) return std::nullopt;
    return number;
}

/// The array, when it has that many elements at least.
const std::vector<redis::value>* array_of(const redis::value& from, std::size_t size) noexcept
{
    const auto* const array = from.array();
    return array != nullptr && array->size() >= size ? array : nullptr;
}

/// The first two elements of every script's reply.
std::optional<stamp> read_stamp(const redis::value& from) noexcept
{
    const auto* const array = array_of(from, 2);
    if (array == nullptr) return std::nullopt;
    const auto* const epoch = (*array)[0].integer();
    const auto* const sequence = (*array)[1].integer();
    if (epoch == nullptr || sequence == nullptr || *epoch <= 0 || *sequence < 0) return std::nullopt;
    return stamp{static_cast<std::uint64_t>(*epoch), static_cast<std::uint64_t>(*sequence)};
}

/// "<sequence>-0" and {"epoch", …, "hard", …, "soft", …}.
std::optional<log_entry> read_entry(const redis::value& from) noexcept
{
    const auto* const entry = array_of(from, 2);
    const auto* const id = entry != nullptr ? (*entry)[0].text() : nullptr;
    const auto* const fields = entry != nullptr ? array_of((*entry)[1], 6) : nullptr;
    if (id == nullptr || fields == nullptr) return std::nullopt;
    const auto* const epoch = (*fields)[1].text();
    const auto* const hard = (*fields)[3].text();
    const auto* const soft = (*fields)[5].text();
    if (epoch == nullptr || hard == nullptr || soft == nullptr) return std::nullopt;
    const auto epoch_number = number_in(*epoch);
    const auto sequence = number_in(std::string_view{*id}.substr(0, id->find('-')));
    if (!epoch_number || !sequence) return std::nullopt;
    return log_entry{{*epoch_number, *sequence}, *hard, *soft};
}

std::optional<std::vector<log_entry>> read_entries(const redis::value& from)
{
    const auto* const array = from.array();
    if (array == nullptr) return std::nullopt;
    std::vector<log_entry> entries;
    entries.reserve(array->size());
    for (const auto& each : *array) {
        const auto entry = read_entry(each);
        if (!entry) return std::nullopt;
        entries.push_back(*entry);
    }
    return entries;
}

logged_purge read_logged(const redis::value& from, const log_entry& entry)
{
    logged_purge made{.at = entry.at};
    made.hard = entry.hard.size() / sizeof(bucket);
    made.soft = entry.soft.size() / sizeof(bucket);
    const auto* const fields = array_of((*from.array())[1], 10);
    const auto* const time = fields != nullptr ? (*fields)[7].text() : nullptr;
    const auto* const by = fields != nullptr ? (*fields)[9].text() : nullptr;
    if (time != nullptr) made.time = number_in(*time).value_or(0);
    if (by != nullptr) made.by = *by;
    return made;
}

std::optional<std::vector<acknowledgement::member>> read_members(const redis::value& from)
{
    const auto* const array = from.array();
    if (array == nullptr) return std::nullopt;
    std::vector<acknowledgement::member> members;
    for (std::size_t i = 0; i + 1 < array->size(); i += 2) {
        const auto* const incarnation = (*array)[i].text();
        const auto* const report = (*array)[i + 1].text();
        if (incarnation == nullptr || report == nullptr) return std::nullopt;
        members.push_back({*incarnation, *report});
    }
    return members;
}

/// Four elements of a renewal's reply, from `first` on.
std::optional<relay_word> read_relay_word(const std::vector<redis::value>& from, std::size_t first) noexcept
{
    const auto* const age = from[first].integer();
    const auto* const purged = from[first + 1].text();
    const auto* const views_age = from[first + 2].integer();
    const auto* const viewed = from[first + 3].text();
    if (age == nullptr || purged == nullptr || views_age == nullptr || viewed == nullptr) return std::nullopt;
    relay_word said;
    if (*age >= 0) said.age = std::chrono::microseconds{*age};
    if (*views_age >= 0) said.views_age = std::chrono::microseconds{*views_age};
    said.purged = parse_lsn(*purged).value_or(0);
    said.viewed = parse_lsn(*viewed).value_or(0);
    return said;
}

}  // namespace

purge_log_calls::reply<log_head> purge_log_calls::head(std::uint64_t known)
{
    const auto sent = boot_clock::now();
    const auto epoch = std::to_string(known);
    const std::array<std::string_view, 1> arguments{epoch};
    const auto answer = co_await state_.eval(with_epoch<embedded::head_lua>("purge_log_head"), keys, arguments);
    if (answer.has_error()) co_return answer.error();
    const auto at = read_stamp(answer.value());
    if (!at) co_return make_error_code(errc::redis_unexpected_reply);
    co_return log_head{sent, boot_clock::now(), *at};
}

purge_log_calls::reply<renewal> purge_log_calls::renew(std::uint64_t known, std::string_view incarnation,
                                                       const member_report& report)
{
    const auto sent = boot_clock::now();
    const auto epoch = std::to_string(known);
    const auto of = std::to_string(report.applied.epoch);
    const auto applied = std::to_string(report.applied.sequence);
    const auto text = to_text(report);
    const std::array<std::string_view, 6> arguments{epoch, of, applied, incarnation, text, most_entries_at_once};
    auto answer = co_await state_.eval(with_epoch<embedded::renew_lua>("purge_log_renew"), keys_and_relay, arguments);
    if (answer.has_error()) co_return answer.error();

    renewal made;
    made.since.raw = std::move(answer).value();
    const auto at = read_stamp(made.since.raw);
    const auto* const parts = array_of(made.since.raw, 7);
    auto entries = parts != nullptr ? read_entries((*parts)[2]) : std::nullopt;
    const auto relay = parts != nullptr ? read_relay_word(*parts, 3) : std::nullopt;
    if (!at || !entries || !relay) co_return make_error_code(errc::redis_unexpected_reply);
    made.head = {sent, boot_clock::now(), *at, *relay};
    made.since.entries = *std::move(entries);
    co_return made;
}

purge_log_calls::reply<std::vector<lsn>> purge_log_calls::tokens(const std::vector<std::string>& names)
{
    std::vector<std::string> keys_of_names;
    keys_of_names.reserve(names.size());
    for (const auto& each : names) keys_of_names.push_back(std::string{token_key_prefix}.append(each));
    std::vector<std::string_view> command{"MGET"};
    command.insert(command.end(), keys_of_names.begin(), keys_of_names.end());
    const auto answer = co_await state_.command(command);
    if (answer.has_error()) co_return answer.error();
    const auto* const array = answer.value().array();
    if (array == nullptr || array->size() != names.size()) co_return make_error_code(errc::redis_unexpected_reply);
    std::vector<lsn> found;
    for (const auto& each : *array) found.push_back(each.text() ? parse_lsn(*each.text()).value_or(0) : 0);
    co_return found;
}

purge_log_calls::reply<std::string> purge_log_calls::table_part(std::size_t offset, std::size_t length)
{
    const auto first = std::to_string(offset);
    const auto last = std::to_string(offset + length - 1);
    const std::array<std::string_view, 4> command{"GETRANGE", table_key, first, last};
    const auto answer = co_await state_.command(command);
    if (answer.has_error()) co_return answer.error();
    const auto* const bytes = answer.value().text();
    if (bytes == nullptr) co_return make_error_code(errc::redis_unexpected_reply);
    co_return *bytes;
}

purge_log_calls::reply<purge_reply> purge_log_calls::purge(std::uint64_t known, std::string_view hard,
                                                           std::string_view soft)
{
    const auto epoch = std::to_string(known);
    const std::array<std::string_view, 4> arguments{epoch, hard, soft, most_entries_kept};
    const auto answer = co_await state_.eval(with_epoch<embedded::purge_lua>("purge_log_purge"), keys, arguments);
    if (answer.has_error()) co_return answer.error();
    const auto received = boot_clock::now();
    const auto at = read_stamp(answer.value());
    const auto* const parts = array_of(answer.value(), 3);
    auto members = parts != nullptr ? read_members((*parts)[2]) : std::nullopt;
    if (!at || !members) co_return make_error_code(errc::redis_unexpected_reply);
    co_return purge_reply{*at, received, *std::move(members)};
}

purge_log_calls::reply<std::vector<std::optional<std::string>>> purge_log_calls::reports(
    const std::vector<std::string_view>& incarnations)
{
    std::vector<std::string_view> command{"HMGET", members_key};
    command.insert(command.end(), incarnations.begin(), incarnations.end());
    const auto answer = co_await state_.command(command);
    if (answer.has_error()) co_return answer.error();
    const auto* const array = answer.value().array();
    if (array == nullptr || array->size() != incarnations.size())
        co_return make_error_code(errc::redis_unexpected_reply);
    std::vector<std::optional<std::string>> found;
    for (const auto& each : *array) found.push_back(each.text() ? std::optional{*each.text()} : std::nullopt);
    co_return found;
}

purge_log_calls::reply<std::vector<logged_purge>> purge_log_calls::history(std::uint64_t up_to, std::size_t count)
{
    const auto last = std::to_string(up_to);
    const auto most = std::to_string(count);
    const std::array<std::string_view, 6> command{"XREVRANGE", log_key, last, "-", "COUNT", most};
    const auto answer = co_await state_.command(command);
    if (answer.has_error()) co_return answer.error();
    const auto entries = read_entries(answer.value());
    if (!entries) co_return make_error_code(errc::redis_unexpected_reply);
    std::vector<logged_purge> made;
    for (std::size_t i = 0; i < entries->size(); ++i)
        made.push_back(read_logged((*answer.value().array())[i], (*entries)[i]));
    co_return made;
}

purge_log_calls::reply<void> purge_log_calls::forget(const std::vector<acknowledgement::member>& members)
{
    std::vector<std::string_view> arguments;
    for (const auto& each : members) arguments.insert(arguments.end(), {each.incarnation, each.report});
    const std::array<std::string_view, 1> key{members_key};
    const auto answer = co_await state_.eval(forget_script(), key, arguments);
    if (answer.has_error()) co_return answer.error();
    co_return boost::system::in_place_value;
}

purge_log_calls::reply<void> purge_log_calls::leave(std::string_view incarnation)
{
    const std::array<std::string_view, 3> command{"HDEL", members_key, incarnation};
    const auto answer = co_await state_.command(command);
    if (answer.has_error()) co_return answer.error();
    co_return boost::system::in_place_value;
}

purge_log_calls::reply<log_part> purge_log_calls::arrivals(redis::client& on, std::uint64_t sequence,
                                                           std::chrono::milliseconds block)
{
    const auto milliseconds = std::to_string(block.count());
    const auto after = std::to_string(sequence) + "-0";
    const std::array<std::string_view, 8> command{
        "XREAD", "COUNT", most_entries_at_once, "BLOCK", milliseconds, "STREAMS", log_key, after};
    auto answer = co_await on.command(command);
    if (answer.has_error()) co_return answer.error();
    log_part made;
    made.raw = std::move(answer).value();
    if (made.raw.is_nil()) co_return made;
    // One stream was asked for: {{key, entries}}.
    const auto* const streams = array_of(made.raw, 1);
    const auto* const stream = streams != nullptr ? array_of(streams->front(), 2) : nullptr;
    auto entries = stream != nullptr ? read_entries((*stream)[1]) : std::nullopt;
    if (!entries) co_return make_error_code(errc::redis_unexpected_reply);
    made.entries = *std::move(entries);
    co_return made;
}

}  // namespace shoal::coherence
