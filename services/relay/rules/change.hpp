#pragma once
// What is known of the values before and after a change of one row: less than all of them, as PostgreSQL leaves out
// what its replica identity does not have and what TOAST stores elsewhere.

#include <optional>

#include "services/relay/protocol/messages.hpp"

namespace shoal::relay {

/// Points to a message and its relation.
struct change {
    const relation* of = nullptr;
    old_row kind = old_row::none;
    /// Null for an insert.
    const row* before = nullptr;
    /// Null for a delete.
    const row* now = nullptr;
};

[[nodiscard]] change change_of(const relation& of, const insert& by) noexcept;
[[nodiscard]] change change_of(const relation& of, const update& by) noexcept;
[[nodiscard]] change change_of(const relation& of, const remove& by) noexcept;

/// NULL or text; nothing when it can't be known. Of `old_value` there is a row before, of `new_value` one after.
[[nodiscard]] std::optional<value> old_value(const change& in, std::size_t column) noexcept;
[[nodiscard]] std::optional<value> new_value(const change& in, std::size_t column) noexcept;

}  // namespace shoal::relay
