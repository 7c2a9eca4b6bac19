#pragma once
// The side of a shared fill that another worker leads.

#include <memory>

#include "services/cache/store/second_level_fill.hpp"
#include "services/cache/store/second_level_link.hpp"

namespace shoal::cache {

/// Of the turn that was found.
[[nodiscard]] std::unique_ptr<fill_follower> make_follower(const second_level_link& link, fill_turn turn);

}  // namespace shoal::cache
