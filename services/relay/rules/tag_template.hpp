#pragma once
// "product:{id}": a tag with holes for columns. Tags are surrogate keys of the cache, so whatever can't stand in
// `Surrogate-Key`, `xkey` or `Cache-Tag` is encoded as an item where it comes from a column; an application that writes
// these encodes its values the same way.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "services/relay/protocol/messages.hpp"
#include "services/relay/rules/sql_name.hpp"

namespace shoal::relay {

/// The cache stores no response that has a longer key.
inline constexpr std::size_t longest_tag = 1024;

/// A text of an operator that is a tag as it is, or what it may not have.
[[nodiscard]] parsed<std::string> parse_tag(std::string_view text);

class tag_template {
public:
    /// {name} is a column, as SQL writes it: {id}, {"Odd name"}. {{ and }} are braces.
    [[nodiscard]] static parsed<tag_template> parse(std::string_view text);
    /// `before`, then the columns with commas between them: no tag of a cache, as that has no comma.
    [[nodiscard]] static tag_template of_columns(std::string before, const std::vector<std::string>& columns);

    /// As it was written.
    [[nodiscard]] const std::string& text() const noexcept { return text_; }
    /// Each column once, in the order of its first hole.
    [[nodiscard]] const std::vector<std::string>& columns() const noexcept { return columns_; }

    enum class outcome : std::uint8_t {
        made,
        /// A column is NULL, or the whole tag is empty: there is no such tag.
        none,
        too_long,
    };
    /// `values` stand for columns(), none of them `unchanged`. Replaces what `into` had; it is a tag only if `made`.
    [[nodiscard]] outcome render(std::span<const value> values, std::string& into) const;

    friend bool operator==(const tag_template& a, const tag_template& b) { return a.text_ == b.text_; }

private:
    class parser;
    struct piece {
        std::string literal;
        /// The column after the literal, or `columns_.size()` at the end.
        std::size_t column = 0;
    };
    std::string text_;
    std::vector<std::string> columns_;
    std::vector<piece> pieces_;
};

}  // namespace shoal::relay
