#pragma once
// The chunked coding (RFC 9112, 7.1) of a body that is passed on as it comes: reads what is not body, and says how much
// body follows, which the caller takes from wherever it is. Stricter than the grammar: no white space around a chunk's
// size, and a bound on extensions, which are dropped, and on trailers.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/http/refusal.hpp"

namespace shoal::http {

class chunk_stream {
public:
    /// `most_trailers` bounds the trailers in bytes, and a line of them.
    explicit chunk_stream(std::size_t most_trailers = 4096) noexcept : most_trailers_{most_trailers} {}

    /// `received` starts with the first byte that was not taken. Returns how many bytes at its front are taken by this
    /// call. Then remaining() bytes of body follow, or it is done() or refused(), or more bytes are needed.
    std::size_t read_framing(std::string_view received);
    /// Bytes of the body that come next.
    [[nodiscard]] std::uint64_t remaining() const noexcept { return remaining_; }
    /// So many of them have been taken; at most remaining().
    void took(std::uint64_t count) noexcept;

    [[nodiscard]] bool done() const noexcept { return state_ == state::done; }
    [[nodiscard]] const std::optional<refusal>& refused() const noexcept { return refused_; }
    /// Header lines, each with its CR LF, without those of framing.
    [[nodiscard]] const std::string& trailers() const noexcept { return trailers_; }

private:
    enum class state : std::uint8_t { size, data, data_end, trailer, done };

    [[nodiscard]] std::size_t step(std::string_view received);
    [[nodiscard]] std::size_t take_line(std::string_view received, std::size_t most);
    void take_size(std::string_view line);
    [[nodiscard]] std::size_t take_data_end(std::string_view received);
    void take_trailer(std::string_view line);

    std::size_t most_trailers_;
    std::uint64_t remaining_ = 0;
    /// Bytes of the line that comes, which hold no LF.
    std::size_t seen_ = 0;
    std::size_t extension_bytes_ = 0;
    std::size_t trailer_bytes_ = 0;
    state state_ = state::size;
    std::string trailers_;
    std::optional<refusal> refused_;
};

}  // namespace shoal::http
