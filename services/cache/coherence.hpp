#pragma once
// What the cache takes of the rules of coherence (common/coherence).

#include "common/coherence/fills.hpp"
#include "common/coherence/stamp.hpp"
#include "common/coherence/tags.hpp"
#include "common/coherence/view.hpp"

namespace shoal::cache {

using coherence::coherence_view;
using coherence::fill_ticket;
using coherence::stamp;
using coherence::standing;
using coherence::tag;
using coherence::tag_kind;
using coherence::tag_of;

}  // namespace shoal::cache
