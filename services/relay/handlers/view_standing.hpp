#pragma once
// Where a view stands, for operators.

#include <cstdint>
#include <string>

#include "common/views/layout.hpp"

namespace shoal::relay {

struct view_standing {
    std::string name;
    views::directory_entry now;
    /// Why nothing of it is served; empty when something is.
    std::string why;
    /// When they were last counted.
    std::uint64_t entries = 0;
};

}  // namespace shoal::relay
