#pragma once
// What a reading says to the question.

#include <vector>

#include "common/coherence/stamp.hpp"
#include "services/views/memory/answer.hpp"
#include "services/views/query/question.hpp"
#include "services/views/query/refusal.hpp"
#include "services/views/store/reader.hpp"

namespace shoal::views {

/// Of the entries that it is about, and of their views.
[[nodiscard]] std::vector<coherence::tag> tags_of(const question& asked);

/// An answer that may be kept until one of its tags is purged, or why there is none. `at` is the log position before
/// Redis was asked.
[[nodiscard]] parsed<answer_ptr> conclude(const question& asked, const reading& found, const coherence::stamp& at);

}  // namespace shoal::views
