#pragma once
// Under which names the second level has what belongs to one URL: all in one slot.

#include <string>
#include <string_view>

#include "services/cache/memory/stored.hpp"

namespace shoal::cache {

class url_keys {
public:
    explicit url_keys(std::string_view key);

    /// Its response, or the way to its variants.
    [[nodiscard]] std::string record() const { return "o:" + slot_; }
    [[nodiscard]] std::string variant(std::string_view vary, std::string_view variant) const;
    /// Of its fill: the lock, whether somebody waits, and what is shared under the lock's token.
    [[nodiscard]] std::string lock() const { return "l:" + slot_; }
    [[nodiscard]] std::string waiting() const { return "w:" + slot_; }
    [[nodiscard]] std::string stream(std::string_view token) const;

private:
    /// 128 bits of a hash in braces. A collision is found out by the key in the record.
    std::string slot_;
};

/// Under which a response is kept.
[[nodiscard]] std::string record_name(const stored& what);
/// Whether a text could be one.
[[nodiscard]] bool is_record_name(std::string_view text) noexcept;

}  // namespace shoal::cache
