#pragma once
// KEY, the text of a view's key: the values of its columns as PostgreSQL prints them, each encoded as an item, with
// commas between them.

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace shoal::views {

/// Whether it fits longest_key is for the caller to see.
[[nodiscard]] std::string key_text(std::span<const std::string> values);

/// The values, `columns` of them; nothing where the text is not what key_text() makes of any.
[[nodiscard]] std::optional<std::vector<std::string>> parse_key_text(std::string_view text, std::size_t columns);

}  // namespace shoal::views
