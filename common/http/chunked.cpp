#include "common/http/chunked.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "common/core/ascii.hpp"

namespace shoal::http {
namespace {

constexpr std::size_t most_size_digits = 16;
/// Of all chunks of a body together: nobody uses them but to hide bytes.
constexpr std::size_t most_extension_bytes = 1024;
constexpr std::size_t most_trailer_bytes = 8 * 1024;

constexpr std::string_view bad_size{"a chunk's size is not a hexadecimal number at the start of its line"};

bool is_field_line(std::string_view line) noexcept
{
    const auto colon = line.find(':');
    if (colon == 0 || colon == std::string_view::npos) return false;
    return std::ranges::all_of(line.substr(0, colon), is_token) && std::ranges::none_of(line, is_control);
}

}  // namespace

void chunk_decoder::decode(std::span<char> received)
{
    while (!refused_ && state_ != state::done && step(received)) {
    }
}

/// One element of the coding; false when more bytes are needed.
bool chunk_decoder::step(std::span<char> received)
{
    switch (state_) {
    case state::size:
        if (const auto line = next_line(received, most_size_digits + most_extension_bytes)) {
            take_size(*line);
            return true;
        }
        return false;
    case state::data: return take_data(received);
    case state::data_end: return take_data_end(received);
    case state::trailer:
        if (const auto line = next_line(received, most_trailer_bytes - trailers_.size())) {
            take_trailer(*line);
            return true;
        }
        return false;
    case state::done: return false;
    }
    return false;
}

/// The next line without its CR LF. `most` bounds it with both.
std::optional<std::string_view> chunk_decoder::next_line(std::span<const char> received, std::size_t most)
{
    const std::string_view rest{received.data() + raw_, received.size() - raw_};
    const auto feed = rest.find('\n');
    if ((feed == std::string_view::npos ? rest.size() : feed) >= most) {
        if (state_ == state::trailer)
            refuse({431, "too_large", "the trailers are too long"});
        else
            refuse(malformed("a chunk's size line is too long"));
        return std::nullopt;
    }
    if (feed == std::string_view::npos) return std::nullopt;
    if (feed == 0 || rest[feed - 1] != '\r') {
        refuse(malformed("a line of the chunked body ends with a LF without CR"));
        return std::nullopt;
    }
    raw_ += feed + 1;
    return rest.substr(0, feed - 1);
}

void chunk_decoder::take_size(std::string_view line)
{
    const auto digits = line.substr(0, line.find(';'));
    const auto extension = line.substr(digits.size());
    std::uint64_t size = 0;
    const auto* const end = digits.data() + digits.size();
    const auto [at, error] = std::from_chars(digits.data(), end, size, 16);
    if (digits.empty() || digits.size() > most_size_digits || error != std::errc{} || at != end)
        return refuse(malformed(bad_size));
    extensions_ += extension.size();
    if (extensions_ > most_extension_bytes || std::ranges::any_of(extension, is_control))
        return refuse(malformed("chunk extensions are too long or malformed"));
    if (size > body_limit_ - total_) return refuse({413, "too_large", "the body is too large"});
    remaining_ = size;
    state_ = size == 0 ? state::trailer : state::data;
}

bool chunk_decoder::take_data(std::span<char> received)
{
    const auto available = received.size() - raw_;
    const auto taken = static_cast<std::size_t>(std::min<std::uint64_t>(remaining_, available));
    std::memmove(received.data() + decoded_, received.data() + raw_, taken);
    decoded_ += taken;
    total_ += taken;
    raw_ += taken;
    remaining_ -= taken;
    if (remaining_ != 0) return false;
    state_ = state::data_end;
    return true;
}

bool chunk_decoder::take_data_end(std::span<const char> received)
{
    const std::string_view rest{received.data() + raw_, received.size() - raw_};
    const auto wanted = std::string_view{"\r\n"}.substr(0, std::min<std::size_t>(rest.size(), 2));
    if (!rest.starts_with(wanted)) {
        refuse(malformed("a chunk is not followed by CR LF"));
        return false;
    }
    if (wanted.size() < 2) return false;
    raw_ += 2;
    state_ = state::size;
    return true;
}

void chunk_decoder::take_trailer(std::string_view line)
{
    if (line.empty())
        state_ = state::done;
    else if (is_field_line(line))
        trailers_.append(line).append("\r\n");
    else
        refuse(malformed("a trailer is malformed"));
}

}  // namespace shoal::http
