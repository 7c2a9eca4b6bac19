#pragma once
// Whether an entry of a view stands in Redis as the database has it. Pure.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/views/layout.hpp"
#include "services/relay/views/entry.hpp"

namespace shoal::relay {

/// An entry as Redis has it.
struct stored_entry {
    bool exists = false;
    /// Of a document.
    std::string document{};
    /// As commands return them: a field and its value, or a member and its score.
    std::vector<std::pair<std::string, std::string>> pairs{};
    /// Of a set that is too large to be compared: only how many members it has.
    std::optional<std::size_t> members{};
};

/// In whatever order and form of numbers.
[[nodiscard]] bool agrees(views::kind is, const view_entry& made, const stored_entry& stored);

/// Equal for entries that the database has alike, in whatever order it returns their rows.
[[nodiscard]] std::uint64_t print_of(views::kind is, const view_entry& made);

}  // namespace shoal::relay
