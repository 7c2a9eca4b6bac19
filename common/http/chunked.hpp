#pragma once
// Takes the chunked coding (RFC 9112, 7.1) off a body, in place. Stricter than its grammar: no white space
// around a chunk's size, and a bound on extensions, which are dropped, and on trailers.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "common/http/refusal.hpp"

namespace shoal::http {

class chunk_decoder {
public:
    explicit chunk_decoder(std::size_t body_limit = 0) noexcept : body_limit_{body_limit} {}

    /// `received` starts where the body does: first what was decoded, then, from raw() on, what was not looked
    /// at. What was found does not depend on how the bytes were cut.
    void decode(std::span<char> received);
    /// Tells that the bytes from raw() on were moved to follow what is decoded.
    void compacted() noexcept { raw_ = decoded_; }
    /// Tells that what is decoded was taken: what is given next starts with the byte at raw().
    void taken() noexcept { raw_ = decoded_ = 0; }

    [[nodiscard]] bool done() const noexcept { return state_ == state::done; }
    [[nodiscard]] const std::optional<refusal>& refused() const noexcept { return refused_; }
    /// Bytes of the body that were not taken yet, at the front.
    [[nodiscard]] std::size_t decoded() const noexcept { return decoded_; }
    /// Offset of the first byte that is not decoded: of the next request, once done.
    [[nodiscard]] std::size_t raw() const noexcept { return raw_; }
    /// Lines with their CR LF, at most 8 KiB; complete once done.
    [[nodiscard]] const std::string& trailers() const noexcept { return trailers_; }

private:
    enum class state : std::uint8_t { size, data, data_end, trailer, done };

    [[nodiscard]] bool step(std::span<char> received);
    [[nodiscard]] std::optional<std::string_view> next_line(std::span<const char> received, std::size_t most);
    void take_size(std::string_view line);
    [[nodiscard]] bool take_data(std::span<char> received);
    [[nodiscard]] bool take_data_end(std::span<const char> received);
    void take_trailer(std::string_view line);
    void refuse(const refusal& why) { refused_ = why; }

    std::size_t body_limit_;
    /// Data of all chunks so far, also of what was taken.
    std::uint64_t total_ = 0;
    std::size_t decoded_ = 0;
    std::size_t raw_ = 0;
    std::uint64_t remaining_ = 0;
    std::size_t extensions_ = 0;
    state state_ = state::size;
    std::string trailers_;
    std::optional<refusal> refused_;
};

}  // namespace shoal::http
