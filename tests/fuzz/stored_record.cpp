// Records of stored responses: whatever Redis holds is nothing, or a response whose parts lie within the record and
// that can be written and read again.

#include <xxhash.h>

#include <chrono>
#include <cstdint>
#include <string>

#include "services/cache/memory/record.hpp"
#include "tests/fuzz/message_fields.hpp"

namespace {

using namespace shoal;
using namespace shoal::cache;
using shoal::fuzz::expect;

constexpr std::size_t length_at = 40;
constexpr std::size_t sum_at = 48;
constexpr std::size_t after_sum = 56;

void put(std::string& record, std::size_t at, std::uint64_t number)
{
    for (std::size_t i = 0; i < 8; ++i) record[at + i] = static_cast<char>(number >> (56 - 8 * i) & 0xFFU);
}

/// Length and sum are made right, which nobody would hit upon: what is behind them is what is tried.
std::string sealed(std::string record)
{
    if (record.size() < after_sum) return record;
    record.replace(0, record_layout::begins_with.size(), record_layout::begins_with);
    put(record, length_at, record.size());
    const auto seed = XXH3_64bits(record.data(), sum_at);
    put(record, sum_at, XXH3_64bits_withSeed(record.data() + after_sum, record.size() - after_sum, seed));
    return record;
}

void check(const std::string& record)
{
    const wall_clock::time_point wall_now{std::chrono::seconds{1'800'000'000}};
    const boot_time now{std::chrono::seconds{1'000'000}};
    const auto read = decode(record, wall_now, now);
    if (read == nullptr) return;
    expect(read->age(now) >= 0);
    const auto again = encode(*read);
    const auto other = decode(again, wall_now, now);
    expect(other != nullptr);
    expect(encode(*other) == again);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::string text{reinterpret_cast<const char*>(data), size};
    check(text);
    check(sealed(text));
    return 0;
}
