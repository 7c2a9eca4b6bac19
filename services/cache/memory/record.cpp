#include "services/cache/memory/record.hpp"

#include <xxhash.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <type_traits>
#include <utility>

namespace shoal::cache {
namespace {

// 0   begins_with
// 2   flags, one byte; one byte of zero
// 4   status, number of tags: 16 bits each
// 8   epoch, sequence, fill: 64 bits four times
// 40  length of the record, sum of all but itself: 64 bits each
// 56  microseconds of wall_received, four seconds of the lifetime, length of the body: 64 bits each
// 104 lengths of the eight texts, 32 bits each
// 136 tags, 64 bits each; texts; body
// All numbers have their most significant byte first.
constexpr std::size_t sum_at = 48;
constexpr std::size_t head_size = 136;
constexpr std::size_t text_count = 8;

constexpr std::uint8_t flag_always_validate = 1;
constexpr std::uint8_t flag_must_revalidate = 2;
constexpr std::int64_t most_seconds = std::int64_t{1} << 40;
/// Of this century: a clock can be told apart from garbage, and nothing overflows.
constexpr std::int64_t most_microseconds = std::int64_t{1} << 52;

template <class Number>
void put(std::string& to, Number number)
{
    const auto bits = static_cast<std::make_unsigned_t<Number>>(number);
    for (int shift = static_cast<int>(sizeof(Number) - 1) * 8; shift >= 0; shift -= 8)
        to.push_back(static_cast<char>(bits >> shift & 0xFFU));
}

/// Takes numbers and texts from the front. Whoever reads has looked whether there is enough.
class cursor {
public:
    explicit cursor(std::string_view rest) : rest_{rest} {}

    template <class Number>
    Number number()
    {
        std::make_unsigned_t<Number> made = 0;
        for (const char c : text(sizeof(Number)))
            made = static_cast<std::make_unsigned_t<Number>>(static_cast<std::uint64_t>(made) << 8U |
                                                             static_cast<unsigned char>(c));
        return static_cast<Number>(made);
    }
    std::string_view text(std::size_t size)
    {
        const auto made = rest_.substr(0, size);
        rest_.remove_prefix(made.size());
        return made;
    }
    [[nodiscard]] std::size_t left() const { return rest_.size(); }

private:
    std::string_view rest_;
};

std::uint64_t sum(std::string_view record)
{
    const auto after = record.substr(sum_at + sizeof(std::uint64_t));
    return XXH3_64bits_withSeed(after.data(), after.size(), XXH3_64bits(record.data(), sum_at));
}

void put_at(std::string& record, std::size_t at, std::uint64_t number)
{
    std::string bytes;
    put(bytes, number);
    record.replace(at, bytes.size(), bytes);
}

std::array<std::string_view, text_count> texts_of(const stored& what)
{
    return {what.key(),           what.variant(),   what.vary(), what.etag(),
            what.last_modified(), what.tag_texts(), what.site(), what.head()};
}

std::int64_t microseconds(wall_clock::time_point at)
{
    return std::chrono::duration_cast<std::chrono::microseconds>(at.time_since_epoch()).count();
}

bool is_plausible(const lifetime& use)
{
    for (const auto seconds : {use.initial_age, use.fresh_for, use.stale_while_revalidate, use.stale_if_error}) {
        if (seconds < 0 || seconds > most_seconds) return false;
    }
    return true;
}

bool is_whole(std::string_view record)
{
    if (record.size() < head_size || !record.starts_with(record_layout::begins_with)) return false;
    cursor lengths{record.substr(sum_at - sizeof(std::uint64_t))};
    const bool as_long = lengths.number<std::uint64_t>() == record.size();
    return as_long && lengths.number<std::uint64_t>() == sum(record);
}

/// All but the body and the clock of this machine; false when the lengths don't add up.
bool read_parts(cursor& from, stored_parts& into, std::uint64_t& body_length)
{
    from.text(record_layout::begins_with.size());
    const auto flags = from.number<std::uint16_t>() >> 8U;
    into.status = from.number<std::uint16_t>();
    const std::size_t tags = from.number<std::uint16_t>();
    into.since.epoch = from.number<std::uint64_t>();
    into.since.sequence = from.number<std::uint64_t>();
    into.fill.process = from.number<std::uint64_t>();
    into.fill.number = from.number<std::uint64_t>();
    from.text(2 * sizeof(std::uint64_t));
    const auto received = from.number<std::int64_t>();
    if (received < 0 || received > most_microseconds) return false;
    into.wall_received = wall_clock::time_point{std::chrono::microseconds{received}};
    into.use.initial_age = from.number<std::int64_t>();
    into.use.fresh_for = from.number<std::int64_t>();
    into.use.stale_while_revalidate = from.number<std::int64_t>();
    into.use.stale_if_error = from.number<std::int64_t>();
    into.use.always_validate = (flags & flag_always_validate) != 0;
    into.use.must_revalidate = (flags & flag_must_revalidate) != 0;
    body_length = from.number<std::uint64_t>();

    std::array<std::size_t, text_count> sizes{};
    std::size_t wanted = tags * sizeof(tag);
    for (auto& size : sizes) wanted += size = from.number<std::uint32_t>();
    if (from.left() < wanted || from.left() - wanted != body_length) return false;

    for (std::size_t i = 0; i < tags; ++i) into.tags.push_back(from.number<tag>());
    std::string tag_texts;
    const std::array<std::string*, text_count> texts{&into.key,           &into.variant, &into.vary, &into.etag,
                                                     &into.last_modified, &tag_texts,    &into.site, &into.head};
    for (std::size_t i = 0; i < text_count; ++i) texts[i]->assign(from.text(sizes[i]));
    if (!tag_texts.empty()) into.tag_texts.push_back(std::move(tag_texts));
    return true;
}

}  // namespace

std::string encode(const fill_id& what)
{
    std::string made;
    put(made, what.process);
    put(made, what.number);
    return made;
}

std::string encode(const stored& what)
{
    const auto texts = texts_of(what);
    std::size_t size = head_size + what.tags().size_bytes() + what.body_length();
    for (const auto text : texts) size += text.size();

    std::string made;
    made.reserve(size);
    made.append(record_layout::begins_with);
    made.push_back(static_cast<char>((what.use().always_validate ? flag_always_validate : 0) |
                                     (what.use().must_revalidate ? flag_must_revalidate : 0)));
    made.push_back('\0');
    put(made, static_cast<std::uint16_t>(what.status()));
    put(made, static_cast<std::uint16_t>(what.tags().size()));
    put(made, what.since().epoch);
    put(made, what.since().sequence);
    made.append(encode(what.fill()));
    put(made, static_cast<std::uint64_t>(size));
    put(made, std::uint64_t{0});
    put(made, microseconds(what.wall_received()));
    put(made, what.use().initial_age);
    put(made, what.use().fresh_for);
    put(made, what.use().stale_while_revalidate);
    put(made, what.use().stale_if_error);
    put(made, what.body_length());
    for (const auto text : texts) put(made, static_cast<std::uint32_t>(text.size()));
    for (const auto one : what.tags()) put(made, one);
    for (const auto text : texts) made.append(text);
    for (const auto piece : what.body()) made.append(piece);
    put_at(made, sum_at, sum(made));
    return made;
}

stored_ptr decode(std::string record, wall_clock::time_point wall_now, boot_time now)
{
    if (!is_whole(record)) return nullptr;
    auto whole = share(std::move(record));
    stored_parts parts;
    std::uint64_t body_length = 0;
    cursor from{whole.view};
    if (!read_parts(from, parts, body_length) || !is_plausible(parts.use)) return nullptr;

    parts.received = now - std::max(wall_now - parts.wall_received, wall_clock::duration::zero());
    if (body_length > 0) parts.body.push_back({from.text(body_length), whole.owner});
    return stored::make(parts);
}

}  // namespace shoal::cache
