#pragma once
// What Redis has of an entry, and what the fleet knows of views.

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "common/views/layout.hpp"

namespace shoal::views {

/// The JSON text of a document.
struct document {
    std::string text;
};

/// Fields and values of a hash.
struct fields {
    std::vector<std::pair<std::string, std::string>> all;
};

/// A part of a set or a sorted set, in the order that was asked for.
struct members {
    std::vector<std::pair<std::string, double>> all;
    /// There are others behind the last one.
    bool more = false;
};

/// Without a row there is none.
using entry = std::variant<std::monostate, document, fields, members>;

/// A line of the directory.
struct listed_view {
    std::string name;
    kind is = kind::document;
    state at = state::filling;
    std::uint64_t generation = 0;
    std::uint64_t entries = 0;
    /// False while no relay has said under the log's epoch that it keeps the view.
    bool counts = false;
};

}  // namespace shoal::views
