// The chunked coding: what is found does not depend on how the bytes were cut, nor on when what was decoded is taken.

#include "common/http/chunked.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <vector>

namespace {

using shoal::http::chunk_decoder;

constexpr std::size_t body_limit = 4096;

struct outcome {
    std::string body;
    std::string trailers;
    bool done = false;
    unsigned refused = 0;
    std::string detail;
    /// Bytes behind the end of the body.
    std::size_t behind = 0;

    bool operator==(const outcome&) const = default;
};

/// Gives the decoder what came so far again and again, as a reader with one buffer does.
outcome decode(std::string_view bytes, std::minstd_rand random, std::size_t most, bool takes)
{
    chunk_decoder decoder{body_limit};
    outcome seen;
    std::vector<char> buffer;
    while (!bytes.empty() && !decoder.done() && !decoder.refused()) {
        const auto size = std::min(bytes.size(), 1 + random() % most);
        buffer.insert(buffer.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
        bytes.remove_prefix(size);
        decoder.decode(buffer);
        if (!takes) continue;
        seen.body.append(buffer.data(), decoder.decoded());
        buffer.erase(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(decoder.raw()));
        decoder.taken();
    }
    seen.body.append(buffer.data(), decoder.decoded());
    seen.done = decoder.done();
    if (seen.done) {
        seen.trailers = decoder.trailers();
        seen.behind = buffer.size() - decoder.raw() + bytes.size();
    }
    if (decoder.refused()) {
        seen.refused = decoder.refused()->status;
        seen.detail = decoder.refused()->detail;
    }
    return seen;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    if (size == 0) return 0;
    const std::minstd_rand random{data[0]};
    const std::string_view bytes{reinterpret_cast<const char*>(data) + 1, size - 1};
    const auto whole = decode(bytes, random, std::max<std::size_t>(bytes.size(), 1), false);
    if (whole.body.size() > body_limit || whole.trailers.size() > 8 * 1024) std::abort();
    for (const std::size_t most : {std::size_t{1}, std::size_t{5}, std::size_t{64}})
        for (const bool takes : {false, true})
            if (decode(bytes, random, most, takes) != whole) std::abort();
    return 0;
}
