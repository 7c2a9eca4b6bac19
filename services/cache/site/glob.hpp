#pragma once
// Patterns with '*' for any text, '/' too, and '?' for any one byte.

#include <string>
#include <string_view>

namespace shoal::cache {

class glob {
public:
    explicit glob(std::string pattern);

    /// Takes at most the product of both lengths.
    [[nodiscard]] bool matches(std::string_view text) const noexcept;
    [[nodiscard]] const std::string& pattern() const noexcept { return pattern_; }

private:
    std::string pattern_;
    /// Bytes before the first '*' or '?', and behind the last.
    std::size_t prefix_;
    std::size_t suffix_;
    /// A '*' is all that is between them.
    bool simple_;
};

}  // namespace shoal::cache
