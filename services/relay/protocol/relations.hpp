#pragma once
// What the tables of a connection's changes are: PostgreSQL says it once, before the first change, and again after the
// definition changed. A new connection begins with none.

#include <cstddef>
#include <cstdint>
#include <unordered_map>

#include "common/core/error.hpp"
#include "services/relay/protocol/messages.hpp"

namespace shoal::relay {

class relations {
public:
    static constexpr std::size_t most = 10'000;

    /// Replaces what was known of its id. `too_many_relations` where one more would be above `most`: none can be left
    /// out, as PostgreSQL would not say it again.
    [[nodiscard]] result<void> remember(relation newest);

    /// Null for an unknown id. The pointer stays good; what it points to changes when its id is remembered again.
    [[nodiscard]] const relation* find(std::uint32_t id) const noexcept;

    /// The table of a change, never null. `database_malformed` when it is unknown, or when a row that was sent has more
    /// or fewer values than the table has columns.
    [[nodiscard]] result<const relation*> table_of(const insert& change) const;
    [[nodiscard]] result<const relation*> table_of(const update& change) const;
    [[nodiscard]] result<const relation*> table_of(const remove& change) const;

    [[nodiscard]] std::size_t size() const noexcept { return known_.size(); }

private:
    std::unordered_map<std::uint32_t, relation> known_;
};

}  // namespace shoal::relay
