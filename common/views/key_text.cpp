#include "common/views/key_text.hpp"

#include <utility>

#include "common/core/text.hpp"

namespace shoal::views {

std::string key_text(std::span<const std::string> values)
{
    std::string made;
    for (std::size_t i = 0; i < values.size(); ++i) {
        if (i > 0) made.push_back(',');
        append_item(made, values[i]);
    }
    return made;
}

std::optional<std::vector<std::string>> parse_key_text(std::string_view text, std::size_t columns)
{
    std::vector<std::string> values;
    for (std::size_t from = 0; from <= text.size();) {
        const auto item = text.substr(from, text.find(',', from) - from);
        auto value = percent_decode(item);
        if (!value) return std::nullopt;
        values.push_back(*std::move(value));
        from += item.size() + 1;
    }
    if (values.size() != columns || key_text(values) != text) return std::nullopt;
    return values;
}

}  // namespace shoal::views
