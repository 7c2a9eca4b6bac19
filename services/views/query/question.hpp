#pragma once
// What a request asks of the views. Pure: strings in, a question or a problem out.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "services/views/query/cursor.hpp"
#include "services/views/query/refusal.hpp"

namespace shoal::views {

inline constexpr std::size_t usual_limit = 100;
inline constexpr std::size_t most_limit = 1000;
/// In one request.
inline constexpr std::size_t most_keys = 100;
/// Of sets that are asked for together, all their pages.
inline constexpr std::size_t most_items = 10'000;
/// Beside the first one of an intersection.
inline constexpr std::size_t most_others = 8;

/// A part of a set or a sorted set.
struct page {
    std::size_t limit = usual_limit;
    std::optional<cursor> after{};
    /// Scores, both included.
    std::optional<double> from{};
    std::optional<double> to{};
    bool descending = false;
    /// Of the fields above, the first that the request named; empty when it named none. Static storage.
    std::string_view named{};

    [[nodiscard]] bool by_score() const noexcept { return from || to; }
};

/// One entry of a view, by the text of its key (common/views/key_text.hpp).
struct place {
    std::string view;
    std::string key;

    friend bool operator==(const place&, const place&) = default;
};

struct question {
    enum class form : std::uint8_t {
        single,
        /// All of one view, each once.
        several,
        /// What all have in common, in the order and with the scores of the first.
        intersection,
    };

    form is = form::single;
    /// At least one.
    std::vector<place> of;
    page part;
    /// Two questions with one text have one answer.
    std::string text;
};

/// GET /v1/views/{view}/{key}?query: the segments and the query are still percent-encoded.
[[nodiscard]] parsed<question> read_entry_question(std::string_view view, std::string_view key, std::string_view query);
/// GET /v1/views/{view}?key=…&key=…
[[nodiscard]] parsed<question> read_several_question(std::string_view view, std::string_view query);

}  // namespace shoal::views
