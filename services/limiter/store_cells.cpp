#include "services/limiter/store_cells.hpp"

#include <array>
#include <optional>
#include <span>

#include "common/redis/client.hpp"
#include "limiter_service_embedded.hpp"
#include "services/limiter/store_arguments.hpp"

namespace shoal::limiter {
namespace {

constexpr std::size_t short_reply = 7;
constexpr std::size_t long_reply = 17;

const redis::script& cell_script()
{
    static const redis::script code{"cell", embedded::cell_lua};
    return code;
}

std::optional<cell_reply> read_reply(const redis::value& from, const ask& asked)
{
    std::size_t count = 0;
    const auto read = unpack_numbers<long_reply>(from, count);
    if (!read) return std::nullopt;
    const auto& n = *read;
    cell_reply made;
    made.heard.now_us = n[1];
    made.late = count == 2 && n[0] == -1;
    made.other_cost = count == 2 && n[0] == -2;
    if (made.late || made.other_cost) return made;
    if ((count != short_reply && count != long_reply) || n[0] < 0) return std::nullopt;
    made.replayed = n[0] >= 10;
    auto& decided = made.heard.made;
    decided.granted = n[0] % 10 == 1;
    decided.cells = decided.granted ? asked.cost : 0;
    decided.after = {.base_us = n[2], .taken = n[3]};
    made.heard.judged = {.period_us = n[4], .limit = n[5], .burst = n[6]};
    if (count == short_reply) return made;
    made.heard.version = n[7];
    decided.after.returned = static_cast<std::uint32_t>(n[8]);
    decided.after.generation = static_cast<std::uint32_t>(n[9]);
    decided.before = {
        .base_us = n[10], .taken = n[11], .returned = decided.after.returned, .generation = decided.after.generation};
    decided.cells = n[12];
    decided.refunded = n[13];
    decided.returned = n[14];
    decided.alone = n[15] == 1;
    decided.leased = n[16] == 1;
    return made;
}

/// As few as the ask needs.
std::size_t arguments_for(const ask& asked)
{
    if (asked.settles) return 18;
    return asked.crowd > 0 || asked.wanted > 0 || asked.refund > 0 ? 9 : 6;
}

}  // namespace

void cell_store::append_tag(std::string& to, const rule& by, std::string_view key)
{
    to.append("{").append(by.name).append(":").append(key).append("}");
}

boost::asio::awaitable<result<cell_reply>> cell_store::run(std::string_view tag, const rule& by, const ask& asked,
                                                           boot_time deadline, std::string_view idempotency_key)
{
    auto answer = co_await once(tag, by, asked, deadline, idempotency_key);
    // Too late by Redis' clock and not by ours: the clock stepped, and its reply has just told by how much.
    if (answer.has_error() && answer.error() == errc::deadline_exceeded && boot_clock::now() < deadline)
        answer = co_await once(tag, by, asked, deadline, idempotency_key);
    co_return answer;
}

boost::asio::awaitable<result<cell_reply>> cell_store::once(std::string_view tag, const rule& by, const ask& asked,
                                                            boot_time deadline, std::string_view idempotency_key)
{
    std::string cell_key = "c:";
    cell_key.append(tag);
    std::string record_key;
    // The tag's length keeps tag and idempotency key from running into each other.
    if (!idempotency_key.empty())
        record_key.append("i").append(std::to_string(tag.size())).append(":").append(tag).append(idempotency_key);
    const std::array<std::string_view, 2> keys{cell_key, record_key};

    const settlement left = asked.settles.value_or(settlement{});
    const packed<18> arguments{{asked.cost, by.decide.period_us, by.decide.limit, by.decide.burst, by.version,
                                clock_.not_after(deadline), asked.crowd, asked.wanted, asked.refund,
                                left.before.base_us, left.before.taken, left.after.base_us, left.after.taken,
                                left.after.returned, left.after.generation, left.granted, left.unspent, left.version}};
    const std::array<std::string_view, 1> argument{arguments.first(arguments_for(asked))};
    const auto answer =
        co_await state_.eval(cell_script(), std::span{keys}.first(idempotency_key.empty() ? 1 : 2), argument, deadline);
    if (answer.has_error()) co_return answer.error();

    const auto read = read_reply(answer.value(), asked);
    if (!read) co_return make_error_code(errc::redis_unexpected_reply);
    if (!read->replayed) clock_.heard(read->heard.now_us);
    if (read->late) co_return make_error_code(errc::deadline_exceeded);
    co_return *read;
}

boost::asio::awaitable<result<void>> cell_store::forget(std::string_view tag, boot_time deadline)
{
    std::string cell_key = "c:";
    cell_key.append(tag);
    const std::array<std::string_view, 2> arguments{"DEL", cell_key};
    const auto answer = co_await state_.command(arguments, deadline);
    if (answer.has_error()) co_return answer.error();
    co_return boost::system::in_place_value;
}

}  // namespace shoal::limiter
