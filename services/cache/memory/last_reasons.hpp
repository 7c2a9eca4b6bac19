#pragma once
// Why the last answer to a URL was not stored: for people who ask.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "common/core/clock.hpp"

namespace shoal::cache {

class last_reasons {
public:
    struct seen {
        /// A static text; empty for none.
        std::string_view reason{};
        boot_time at;
    };

    /// Of about the `places` last URLs, which share them by their hashes; `seed` is drawn by the process.
    last_reasons(std::size_t places, std::uint64_t seed);

    void note(std::string_view key, std::string_view reason, boot_time at);
    /// Of what was stored after all.
    void forget(std::string_view key);
    [[nodiscard]] std::optional<seen> of(std::string_view key) const noexcept;

private:
    struct place {
        std::uint64_t hash = 0;
        seen what;
    };
    [[nodiscard]] std::uint64_t hash(std::string_view key) const noexcept;

    std::uint64_t seed_;
    std::vector<place> places_;
};

}  // namespace shoal::cache
