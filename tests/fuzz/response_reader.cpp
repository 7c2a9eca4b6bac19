// An origin's answer: what is read does not depend on how the bytes were cut, and never is more than came.

#include "common/http/response_reader.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace {

using shoal::http::response_reader;
using state = response_reader::state;

struct outcome {
    std::vector<unsigned> statuses;
    std::vector<std::string> lines;
    std::string body;
    std::string trailers;
    std::string refused;
    state end = state::head;
    bool reusable = false;

    bool operator==(const outcome&) const = default;
};

void note_head(outcome& seen, const response_reader& reader)
{
    seen.statuses.push_back(reader.head().status);
    for (const auto& one : reader.head().headers)
        seen.lines.push_back(std::string{one.name_text}.append(":").append(one.value));
}

/// Everything that can be had before more is received.
void drain(outcome& seen, response_reader& reader)
{
    while (reader.current() == state::interim) {
        note_head(seen, reader);
        (void)reader.next();
    }
    for (auto piece = reader.take(); !piece.view.empty(); piece = reader.take()) seen.body.append(piece.view);
}

bool is_over(state now) noexcept
{
    return now == state::done || now == state::malformed || now == state::cut_short;
}

outcome read(std::string_view bytes, std::minstd_rand random, std::size_t most, bool to_head)
{
    response_reader reader{{}};
    reader.begin(to_head);
    outcome seen;
    while (!bytes.empty() && !is_over(reader.current())) {
        const auto room = reader.prepare();
        const auto size = std::min({bytes.size(), room.size(), 1 + random() % most});
        std::memcpy(room.data(), bytes.data(), size);
        bytes.remove_prefix(size);
        (void)reader.commit(size);
        drain(seen, reader);
    }
    if (!is_over(reader.current())) {
        (void)reader.end();
        drain(seen, reader);
    }
    seen.end = reader.current();
    if (seen.end == state::malformed) {
        seen.refused = reader.refused();
        return seen;
    }
    seen.trailers = reader.trailers();
    seen.reusable = reader.reusable() && bytes.empty();
    if (seen.end == state::done) note_head(seen, reader);
    return seen;
}

/// What stands before a refusal may have been given or not, as the bytes came.
bool agree(const outcome& a, const outcome& b)
{
    if (a.end != b.end || a.refused != b.refused) return false;
    if (a.end != state::malformed) return a == b;
    const auto size = std::min(a.body.size(), b.body.size());
    return a.body.substr(0, size) == b.body.substr(0, size);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    if (size < 2) return 0;
    const std::minstd_rand random{data[0]};
    const bool to_head = data[1] % 4 == 0;
    const std::string_view bytes{reinterpret_cast<const char*>(data) + 2, size - 2};
    const auto whole = read(bytes, random, std::max<std::size_t>(bytes.size(), 1), to_head);
    if (whole.body.size() > bytes.size() || (to_head && !whole.body.empty())) std::abort();
    for (const std::size_t most : {std::size_t{1}, std::size_t{7}, std::size_t{300}})
        if (!agree(read(bytes, random, most, to_head), whole)) std::abort();
    return 0;
}
