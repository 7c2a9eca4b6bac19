#include "common/http/chunk_stream.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "common/core/ascii.hpp"

namespace shoal::http {
namespace {

constexpr std::size_t most_size_digits = 16;
/// Of all chunks of a body together: nobody uses them but to hide bytes.
constexpr std::size_t most_extension_bytes = 1024;

/// In trailers they would speak about a message that has been read already.
constexpr std::array<std::string_view, 7> framing_fields{"Connection",        "Content-Length", "Host",   "TE",
                                                         "Transfer-Encoding", "Trailer",        "Upgrade"};

bool is_framing(std::string_view name) noexcept
{
    return std::ranges::any_of(framing_fields, [name](std::string_view one) { return iequals(one, name); });
}

}  // namespace

std::size_t chunk_stream::read_framing(std::string_view received)
{
    std::size_t taken = 0;
    while (!refused_ && state_ != state::done && remaining_ == 0) {
        const auto count = step(received.substr(taken));
        if (count == 0) break;
        taken += count;
    }
    return taken;
}

void chunk_stream::took(std::uint64_t count) noexcept
{
    remaining_ -= count;
    if (remaining_ == 0) state_ = state::data_end;
}

/// One element of the coding; 0 when more bytes are needed.
std::size_t chunk_stream::step(std::string_view received)
{
    switch (state_) {
    case state::size: return take_line(received, most_size_digits + most_extension_bytes);
    case state::data_end: return take_data_end(received);
    case state::trailer: return take_line(received, most_trailers_ - trailer_bytes_);
    case state::data:
    case state::done: break;
    }
    return 0;
}

/// `most` bounds the line with its CR LF.
std::size_t chunk_stream::take_line(std::string_view received, std::size_t most)
{
    const auto feed = received.find('\n', seen_);
    const auto length = feed == std::string_view::npos ? received.size() : feed;
    if (length >= most) {
        refused_ = state_ == state::trailer ? refusal{431, "too_large", "the trailers are too long"}
                                            : malformed("a chunk's size line is too long");
        return 0;
    }
    seen_ = length;
    if (feed == std::string_view::npos) return 0;
    if (feed == 0 || received[feed - 1] != '\r') {
        refused_ = malformed("a line of the chunked body ends with a LF without CR");
        return 0;
    }
    seen_ = 0;
    const auto line = received.substr(0, feed - 1);
    if (state_ == state::size)
        take_size(line);
    else
        take_trailer(line);
    return feed + 1;
}

void chunk_stream::take_size(std::string_view line)
{
    const auto digits = line.substr(0, line.find(';'));
    const auto extension = line.substr(digits.size());
    std::uint64_t size = 0;
    const auto* const end = digits.data() + digits.size();
    const auto [at, error] = std::from_chars(digits.data(), end, size, 16);
    if (digits.empty() || digits.size() > most_size_digits || error != std::errc{} || at != end) {
        refused_ = malformed("a chunk's size is not a hexadecimal number at the start of its line");
        return;
    }
    extension_bytes_ += extension.size();
    if (extension_bytes_ > most_extension_bytes || std::ranges::any_of(extension, is_control)) {
        refused_ = malformed("chunk extensions are too long or malformed");
        return;
    }
    remaining_ = size;
    state_ = size == 0 ? state::trailer : state::data;
}

std::size_t chunk_stream::take_data_end(std::string_view received)
{
    const auto wanted = std::string_view{"\r\n"}.substr(0, std::min<std::size_t>(received.size(), 2));
    if (!received.starts_with(wanted)) {
        refused_ = malformed("a chunk is not followed by CR LF");
        return 0;
    }
    if (wanted.size() < 2) return 0;
    state_ = state::size;
    return 2;
}

void chunk_stream::take_trailer(std::string_view line)
{
    trailer_bytes_ += line.size() + 2;
    if (line.empty()) {
        state_ = state::done;
        return;
    }
    const auto name = line.substr(0, line.find(':'));
    if (name.empty() || name.size() == line.size() || !std::ranges::all_of(name, is_token) ||
        std::ranges::any_of(line, is_control)) {
        refused_ = malformed("a trailer is malformed");
        return;
    }
    if (!is_framing(name)) trailers_.append(line).append("\r\n");
}

}  // namespace shoal::http
