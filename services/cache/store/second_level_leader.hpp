#pragma once
// The leader's side of a fill that workers share.

#include <memory>

#include "services/cache/store/second_level_fill.hpp"
#include "services/cache/store/second_level_link.hpp"

namespace shoal::cache {

/// Of a turn whose lock was just taken.
[[nodiscard]] std::unique_ptr<fill_leader> make_leader(const second_level_link& link, fill_turn turn);

}  // namespace shoal::cache
