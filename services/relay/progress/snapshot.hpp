#pragma once
// What pg_current_snapshot() says of which transactions others can see.

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace shoal::relay {

class snapshot {
public:
    /// "xmin:xmax:xip,xip,..."; nothing for anything else.
    [[nodiscard]] static std::optional<snapshot> parse(std::string_view text);

    /// Whether the effects of a transaction that has committed are visible. `xid` is the lower half of the full one,
    /// which is within 2^31 of this snapshot's: PostgreSQL sees to that (its documentation, 25.1.5).
    [[nodiscard]] bool sees(std::uint32_t xid) const noexcept;

private:
    std::uint64_t xmin_ = 0;
    std::uint64_t xmax_ = 0;
    /// Not ended when it was taken; ascending.
    std::vector<std::uint64_t> running_;
};

}  // namespace shoal::relay
