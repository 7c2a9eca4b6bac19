#pragma once
// Takes the chunked coding (RFC 9112, 7.1) off a body where it lies, within a bound on the body.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "common/http/chunk_stream.hpp"
#include "common/http/refusal.hpp"

namespace shoal::http {

class chunk_decoder {
public:
    /// In bytes.
    explicit chunk_decoder(std::size_t body_limit = 0) noexcept : body_limit_{body_limit} {}

    /// `received` starts where the body does: first what was decoded, then, from raw() on, what was not looked
    /// at. What was found does not depend on how the bytes were cut.
    void decode(std::span<char> received);
    /// Tells that the bytes from raw() on were moved to follow what is decoded.
    void compacted() noexcept { raw_ = decoded_; }
    /// Tells that what is decoded was taken: what is given next starts with the byte at raw().
    void taken() noexcept { raw_ = decoded_ = 0; }

    [[nodiscard]] bool done() const noexcept { return coding_.done(); }
    [[nodiscard]] const std::optional<refusal>& refused() const noexcept { return refused_; }
    /// Bytes of the body that were not taken yet, at the front.
    [[nodiscard]] std::size_t decoded() const noexcept { return decoded_; }
    /// Offset of the first byte that is not decoded: of the next request, once done.
    [[nodiscard]] std::size_t raw() const noexcept { return raw_; }
    /// Lines with their CR LF, at most 8 KiB, without those of framing; complete once done.
    [[nodiscard]] const std::string& trailers() const noexcept { return coding_.trailers(); }

private:
    [[nodiscard]] bool take_data(std::span<char> received);

    chunk_stream coding_{8 * 1024};
    std::size_t body_limit_;
    /// Data of all chunks so far, also of what was taken.
    std::uint64_t total_ = 0;
    std::size_t decoded_ = 0;
    std::size_t raw_ = 0;
    std::optional<refusal> refused_;
};

}  // namespace shoal::http
