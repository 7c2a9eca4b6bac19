#include "services/relay/rules/tag_template.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "common/core/text.hpp"

namespace shoal::relay {
namespace {

/// What is wrong with text that goes into a tag as it is.
std::string refuse(std::string_view literal)
{
    if (literal.size() > longest_tag) return fmt::format("is longer than the {} bytes of a tag", longest_tag);
    if (std::ranges::any_of(literal, separates_items))
        return "has a space, a comma or a control character, which a tag can't have; they separate tags";
    if (!is_utf8(literal)) return "is not UTF-8";
    return {};
}

}  // namespace

/// Goes once through a template, from left to right.
class tag_template::parser {
public:
    explicit parser(std::string_view text) : rest_{text} { made_.text_ = text; }

    parsed<tag_template> parse()
    {
        while (!rest_.empty()) {
            const char c = rest_.front();
            rest_.remove_prefix(1);
            if (c != '{' && c != '}') {
                literal_.push_back(c);
            } else if (rest_.starts_with(c)) {
                literal_.push_back(c);
                rest_.remove_prefix(1);
            } else if (c == '}') {
                return mistaken("has a '}' that closes nothing; a brace itself is written }}");
            } else if (auto wrong = hole(); !wrong.empty()) {
                return mistaken(std::move(wrong));
            }
        }
        return finish();
    }

private:
    std::string hole()
    {
        if (rest_.starts_with('}')) return "has {} without a column; write {id}, or {{}} for the braces";
        const auto name = take_name(rest_);
        if (name.has_error()) return fmt::format("has a '{{' without a column: {}", name.error().what);
        if (rest_.empty()) return "has a '{' that is never closed; a brace itself is written {{";
        if (!rest_.starts_with('}'))
            return fmt::format("has '{}' where '}}' should close the column {}", rest_.substr(0, 1), shown(*name));
        rest_.remove_prefix(1);
        end_piece(place_of(*name));
        return {};
    }

    std::size_t place_of(const std::string& name)
    {
        auto& all = made_.columns_;
        const auto place = static_cast<std::size_t>(std::ranges::find(all, name) - all.begin());
        if (place == all.size()) all.push_back(name);
        return place;
    }

    void end_piece(std::size_t column)
    {
        literals_ += literal_;
        made_.pieces_.push_back({std::exchange(literal_, {}), column});
    }

    parsed<tag_template> finish()
    {
        end_piece(made_.columns_.size());
        if (made_.text_.empty()) return mistaken("is empty");
        if (auto wrong = refuse(literals_); !wrong.empty()) return mistaken(std::move(wrong));
        return std::move(made_);
    }

    std::string_view rest_;
    std::string literal_;
    std::string literals_;
    tag_template made_;
};

parsed<tag_template> tag_template::parse(std::string_view text)
{
    return parser{text}.parse();
}

tag_template tag_template::of_columns(std::string before, const std::vector<std::string>& columns)
{
    tag_template made;
    made.text_ = before;
    made.columns_ = columns;
    for (std::size_t place = 0; place < columns.size(); ++place) {
        made.pieces_.push_back({std::move(before), place});
        made.text_ += (place > 0 ? ",{" : "{") + in_quotes(columns[place]) + '}';
        before = ",";
    }
    made.pieces_.push_back({columns.empty() ? std::move(before) : std::string{}, columns.size()});
    return made;
}

tag_template::outcome tag_template::render(std::span<const value> values, std::string& into) const
{
    into.clear();
    for (const auto& [literal, column] : pieces_) {
        into += literal;
        if (column == columns_.size()) break;
        if (values[column].is != value::kind::text) return outcome::none;
        append_item(into, values[column].text);
    }
    if (into.empty()) return outcome::none;
    return into.size() > longest_tag ? outcome::too_long : outcome::made;
}

parsed<std::string> parse_tag(std::string_view text)
{
    if (text.empty()) return mistaken("is empty");
    if (auto wrong = refuse(text); !wrong.empty()) return mistaken(std::move(wrong));
    return std::string{text};
}

}  // namespace shoal::relay
