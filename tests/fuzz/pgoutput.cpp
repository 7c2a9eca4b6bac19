// Replication's bytes: whatever PostgreSQL sends is refused, or read so that the same bytes can be made of it again.

#include <cstdint>
#include <string_view>
#include <variant>

#include "services/relay/protocol/decoder.hpp"
#include "services/relay/protocol/stream.hpp"
#include "tests/fuzz/message_fields.hpp"
#include "tests/unit/relay_protocol/encoder.hpp"

namespace {

using namespace shoal::relay;
using shoal::fuzz::expect;

bool lies_within(std::string_view part, std::string_view whole)
{
    return part.empty() || (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

void check_text(const row& values, std::string_view bytes)
{
    expect(values.size() <= most_columns);
    for (const auto& each : values) expect(lies_within(each.text, bytes));
}

void check_views(const message& made, std::string_view bytes)
{
    if (const auto* const what = std::get_if<insert>(&made)) check_text(what->now, bytes);
    if (const auto* const what = std::get_if<update>(&made)) check_text(what->before, bytes);
    if (const auto* const what = std::get_if<update>(&made)) check_text(what->now, bytes);
    if (const auto* const what = std::get_if<shoal::relay::remove>(&made)) check_text(what->before, bytes);
    if (const auto* const what = std::get_if<emitted>(&made)) expect(lies_within(what->content, bytes));
}

void check_message(std::string_view bytes)
{
    const auto made = decode(bytes);
    if (made.has_error()) return;
    check_views(*made, bytes);
    if (!std::holds_alternative<irrelevant>(*made)) expect(encode(*made) == bytes);
}

void check_stream(std::string_view bytes)
{
    const auto made = read_stream(bytes);
    if (made.has_error()) return;
    if (const auto* const data = std::get_if<log_data>(&*made)) {
        expect(lies_within(data->payload, bytes));
        check_message(data->payload);
    }
}

/// Either it is none, or its text is found again.
void check_lsn(std::string_view text)
{
    const auto position = parse_lsn(text);
    if (position) expect(parse_lsn(format_lsn(*position)) == position);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    if (size == 0) return 0;
    const auto bytes = shoal::fuzz::text_of(data + 1, size - 1);
    switch (data[0] % 3) {
    case 0: check_message(bytes); break;
    case 1: check_stream(bytes); break;
    default: check_lsn(bytes); break;
    }
    return 0;
}
