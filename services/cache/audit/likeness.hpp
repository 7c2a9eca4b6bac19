#pragma once
// Whether what is kept is still what the origin answers, as far as that can be told from outside. Pure.

#include <cstdint>
#include <string>
#include <string_view>

namespace shoal::cache {

/// What of an answer is compared.
struct likeness {
    unsigned status = 0;
    /// Empty where there is none, or a weak one, which does not tell bytes apart.
    std::string strong_etag{};
    std::uint64_t length = 0;
    std::uint64_t hash = 0;
};

/// Of two answers to one request: by their strong ETags where both have one, else by their bodies.
[[nodiscard]] bool alike(const likeness& one, const likeness& other) noexcept;
[[nodiscard]] std::string strong_etag(std::string_view etag);

/// Over a body that comes in pieces: the same for the same bytes, however they are cut.
class body_hash {
public:
    body_hash();
    ~body_hash();
    body_hash(const body_hash&) = delete;
    body_hash& operator=(const body_hash&) = delete;

    void add(std::string_view piece) noexcept;
    [[nodiscard]] std::uint64_t length() const noexcept { return length_; }
    [[nodiscard]] std::uint64_t value() const noexcept;

private:
    void* state_;
    std::uint64_t length_ = 0;
};

/// Whether an answer says what the content is now, other than of what is kept with `kept` as its status: not one that
/// wants a client to log in, to come later, or to go elsewhere, which an auditor gets and others may not.
[[nodiscard]] bool tells_of_content(unsigned status, unsigned kept) noexcept;

enum class finding : std::uint8_t {
    consistent,
    /// The origin answers the same request otherwise each time: nothing can be said.
    changing,
    inconsistent,
};

/// Of something kept that differed from the `first` answer and could still be served after the time within which a
/// change has to be purged; then the origin was asked again.
[[nodiscard]] finding judge_again(const likeness& kept, const likeness& first, const likeness& second) noexcept;

}  // namespace shoal::cache
