// Requests of one connection: what is read does not depend on how the bytes were cut, nor on whether bodies are
// streamed.

#include "common/http/reader.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "common/http/server.hpp"

namespace {

using shoal::http::request_reader;
using state = request_reader::state;
using bodies = request_reader::bodies;

struct outcome {
    std::vector<std::string> requests;
    unsigned refused = 0;
    std::string detail;
    state last = state::idle;

    bool operator==(const outcome&) const = default;
};

/// Small enough to be met.
shoal::http::limits tight()
{
    shoal::http::limits bounds;
    bounds.request_line = 100;
    bounds.head = 300;
    bounds.header_count = 6;
    bounds.body = 2000;
    return bounds;
}

std::string head_of(const shoal::http::request& of)
{
    std::string text{of.method_text};
    text.append(" ").append(of.target).append(" ").append(of.path).append("?").append(of.query);
    for (const auto& one : of.headers) text.append("\n").append(one.name_text).append(":").append(one.value);
    return text.append("\n\n");
}

/// Takes what is there; the body of a streamed request follows its head as it comes.
void take(request_reader& reader, outcome& into, bool& open)
{
    while (reader.current() == state::ready) {
        if (!open) into.requests.push_back(head_of(reader.request()).append(reader.request().body));
        open = true;
        for (;;) {
            const auto piece = reader.next_piece();
            if (piece.empty()) break;
            into.requests.back().append(piece);
        }
        if (reader.current() != state::ready || reader.has_body()) return;
        open = false;
        reader.next();
    }
}

outcome read(const shoal::http::limits& bounds, std::string_view bytes, bodies mode, std::minstd_rand random,
             std::size_t most)
{
    request_reader reader{bounds, mode};
    outcome seen;
    bool open = false;
    while (!bytes.empty() && reader.current() != state::refused) {
        const auto room = reader.prepare();
        const auto size = std::min({room.size(), bytes.size(), 1 + static_cast<std::size_t>(random() % most)});
        std::memcpy(room.data(), bytes.data(), size);
        bytes.remove_prefix(size);
        reader.commit(size);
        take(reader, seen, open);
    }
    seen.last = reader.current();
    if (seen.last == state::refused) {
        seen.refused = reader.refused().status;
        seen.detail = reader.refused().detail;
    }
    return seen;
}

/// The complete requests that both have are the same, and so is what is refused.
bool agree(const outcome& whole, const outcome& streamed)
{
    if (whole.refused != streamed.refused || whole.detail != streamed.detail) return false;
    if (whole.requests.size() > streamed.requests.size() || streamed.requests.size() > whole.requests.size() + 1)
        return false;
    return std::equal(whole.requests.begin(), whole.requests.end(), streamed.requests.begin());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    if (size == 0) return 0;
    const std::minstd_rand random{data[0]};
    const std::string_view bytes{reinterpret_cast<const char*>(data) + 1, size - 1};
    const auto bounds = tight();
    const auto whole = read(bounds, bytes, bodies::whole, random, 1 << 20);
    const auto streamed = read(bounds, bytes, bodies::streamed, random, 1 << 20);
    if (!agree(whole, streamed)) std::abort();
    for (const auto most : {std::size_t{1}, std::size_t{7}, std::size_t{100}}) {
        if (read(bounds, bytes, bodies::whole, random, most) != whole) std::abort();
        if (read(bounds, bytes, bodies::streamed, random, most) != streamed) std::abort();
    }
    return 0;
}
