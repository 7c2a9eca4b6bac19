#include "services/cache/protocol/structured_fields.hpp"

#include <algorithm>
#include <array>

#include "common/core/ascii.hpp"
#include "common/core/text.hpp"
#include "services/cache/protocol/base64.hpp"

namespace shoal::cache::protocol::sf {
namespace {

constexpr std::size_t most_integer_digits = 15;
constexpr std::size_t most_whole_digits = 12;
constexpr std::size_t most_fraction_digits = 3;

constexpr bool is_lower_alpha(char c) noexcept
{
    return c >= 'a' && c <= 'z';
}

constexpr bool is_key_character(char c) noexcept
{
    return is_lower_alpha(c) || is_digit(c) || c == '_' || c == '-' || c == '.' || c == '*';
}

constexpr bool is_text_character(char c) noexcept
{
    return c >= 0x20 && c <= 0x7e;
}

/// Of a lower-case hexadecimal digit; -1 for another character.
constexpr int hexadecimal(char c) noexcept
{
    if (is_digit(c)) return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/// One text from its beginning to its end. Each function takes off what it names, or returns nothing; then the rest is
/// of no use.
class parser {
public:
    explicit parser(std::string_view text) noexcept : rest_{text} { skip_spaces(); }

    [[nodiscard]] bool done() noexcept
    {
        skip_spaces();
        return rest_.empty();
    }

    std::optional<item> parse_item()
    {
        auto value = parse_bare_item();
        if (!value) return std::nullopt;
        auto with = parse_parameters();
        if (!with) return std::nullopt;
        return item{std::move(*value), std::move(*with)};
    }

    std::optional<list> parse_list()
    {
        list members;
        while (!rest_.empty()) {
            auto one = parse_member();
            if (!one || members.size() == most_members) return std::nullopt;
            members.push_back(std::move(*one));
            if (!next_of_list()) return std::nullopt;
        }
        return members;
    }

    std::optional<dictionary> parse_dictionary()
    {
        dictionary members;
        while (!rest_.empty()) {
            const auto key = parse_key();
            if (!key) return std::nullopt;
            auto value = take('=') ? parse_member() : parse_flag();
            if (!value || members.size() == most_members) return std::nullopt;
            set(members, *key, std::move(*value));
            if (!next_of_list()) return std::nullopt;
        }
        return members;
    }

private:
    [[nodiscard]] bool at(char c) const noexcept { return rest_.starts_with(c); }

    bool take(char c) noexcept
    {
        if (!at(c)) return false;
        rest_.remove_prefix(1);
        return true;
    }

    void skip_spaces() noexcept { rest_.remove_prefix(std::min(rest_.find_first_not_of(' '), rest_.size())); }
    void skip_blanks() noexcept { rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t"), rest_.size())); }

    /// Goes over the comma before the next member; false when there is none after it, or something else before it.
    bool next_of_list() noexcept
    {
        skip_blanks();
        if (rest_.empty()) return true;
        if (!take(',')) return false;
        skip_blanks();
        return !rest_.empty();
    }

    template <class Members, class Value>
    static void set(Members& members, std::string_view key, Value value)
    {
        const auto place =
            std::ranges::find(members, key, [](const auto& one) -> std::string_view { return one.first; });
        if (place == members.end()) {
            members.emplace_back(key, std::move(value));
        } else {
            place->second = std::move(value);
        }
    }

    std::string_view take_while(bool (*belongs)(char)) noexcept
    {
        const auto* const end = std::ranges::find_if_not(rest_, belongs);
        const std::string_view taken{rest_.begin(), end};
        rest_.remove_prefix(taken.size());
        return taken;
    }

    std::optional<std::string_view> parse_key() noexcept
    {
        if (rest_.empty() || (!is_lower_alpha(rest_.front()) && rest_.front() != '*')) return std::nullopt;
        return take_while([](char c) { return is_key_character(c); });
    }

    std::optional<parameters> parse_parameters()
    {
        parameters with;
        while (take(';')) {
            skip_spaces();
            const auto key = parse_key();
            if (!key || with.size() == most_members) return std::nullopt;
            std::optional<bare_item> value = true;
            if (take('=')) value = parse_bare_item();
            if (!value) return std::nullopt;
            set(with, *key, std::move(*value));
        }
        return with;
    }

    std::optional<member> parse_member()
    {
        if (at('(')) return parse_inner_list();
        auto one = parse_item();
        if (!one) return std::nullopt;
        return std::move(*one);
    }

    std::optional<member> parse_flag()
    {
        auto with = parse_parameters();
        if (!with) return std::nullopt;
        return item{true, std::move(*with)};
    }

    std::optional<member> parse_inner_list()
    {
        inner_list made;
        take('(');
        while (true) {
            skip_spaces();
            if (take(')')) break;
            auto one = parse_item();
            if (!one || made.items.size() == most_members || (!at(' ') && !at(')'))) return std::nullopt;
            made.items.push_back(std::move(*one));
        }
        auto with = parse_parameters();
        if (!with) return std::nullopt;
        made.with = std::move(*with);
        return made;
    }

    std::optional<bare_item> parse_bare_item()
    {
        if (rest_.empty()) return std::nullopt;
        const char first = rest_.front();
        if (first == '-' || is_digit(first)) return parse_number();
        if (first == '"') return parse_string();
        if (first == ':') return parse_bytes();
        if (first == '?') return parse_boolean();
        if (first == '@') return parse_date();
        if (first == '%') return parse_display_string();
        if (first == '*' || is_lower_alpha(to_lower(first))) return parse_token();
        return std::nullopt;
    }

    std::optional<bare_item> parse_number() noexcept
    {
        const std::int64_t sign = take('-') ? -1 : 1;
        const std::string_view whole = take_while([](char c) { return is_digit(c); });
        if (whole.empty() || whole.size() > most_integer_digits) return std::nullopt;
        std::int64_t value = 0;
        for (const char c : whole) value = value * 10 + (c - '0');
        if (!take('.')) return sign * value;
        const std::string_view fraction = take_while([](char c) { return is_digit(c); });
        if (whole.size() > most_whole_digits || fraction.empty() || fraction.size() > most_fraction_digits) {
            return std::nullopt;
        }
        for (std::size_t digit = 0; digit < most_fraction_digits; ++digit) {
            value = value * 10 + (digit < fraction.size() ? fraction[digit] - '0' : 0);
        }
        return decimal{sign * value};
    }

    std::optional<bare_item> parse_string()
    {
        std::string text;
        take('"');
        while (!rest_.empty()) {
            char c = rest_.front();
            rest_.remove_prefix(1);
            if (c == '"') return text;
            if (c == '\\') {
                if (!at('"') && !at('\\')) return std::nullopt;
                c = rest_.front();
                rest_.remove_prefix(1);
            }
            if (!is_text_character(c)) return std::nullopt;
            text.push_back(c);
        }
        return std::nullopt;
    }

    std::optional<bare_item> parse_token()
    {
        return token{std::string{take_while([](char c) { return is_token(c) || c == ':' || c == '/'; })}};
    }

    std::optional<bare_item> parse_bytes()
    {
        take(':');
        const std::size_t end = rest_.find(':');
        if (end == std::string_view::npos) return std::nullopt;
        auto data = decode_base64(rest_.substr(0, end));
        rest_.remove_prefix(end + 1);
        if (!data) return std::nullopt;
        return bytes{std::move(*data)};
    }

    std::optional<bare_item> parse_boolean() noexcept
    {
        take('?');
        if (take('1')) return true;
        if (take('0')) return false;
        return std::nullopt;
    }

    std::optional<bare_item> parse_date() noexcept
    {
        take('@');
        const auto number = parse_number();
        if (!number || !std::holds_alternative<std::int64_t>(*number)) return std::nullopt;
        return date{std::get<std::int64_t>(*number)};
    }

    std::optional<bare_item> parse_display_string()
    {
        std::string text;
        take('%');
        if (!take('"')) return std::nullopt;
        while (!rest_.empty()) {
            const char c = rest_.front();
            rest_.remove_prefix(1);
            if (c == '"') {
                if (!is_utf8(text)) return std::nullopt;
                return display_string{std::move(text)};
            }
            if (!is_text_character(c)) return std::nullopt;
            if (c != '%') {
                text.push_back(c);
                continue;
            }
            if (rest_.size() < 2 || hexadecimal(rest_[0]) < 0 || hexadecimal(rest_[1]) < 0) return std::nullopt;
            text.push_back(static_cast<char>(hexadecimal(rest_[0]) * 16 + hexadecimal(rest_[1])));
            rest_.remove_prefix(2);
        }
        return std::nullopt;
    }

    std::string_view rest_;
};

/// The lines as one, nothing when there is none.
std::optional<std::string> joined(field_span fields, std::string_view name)
{
    std::optional<std::string> text;
    for (const auto& field : fields) {
        if (!iequals(field.name, name)) continue;
        if (text) {
            text->append(", ").append(field.value);
        } else {
            text = field.value;
        }
    }
    return text;
}

template <class Parsed>
std::optional<Parsed> whole(std::string_view text, std::optional<Parsed> (parser::*parse)())
{
    parser from{text};
    auto made = (from.*parse)();
    if (!made || !from.done()) return std::nullopt;
    return made;
}

}  // namespace

std::optional<item> parse_item(std::string_view text)
{
    return whole(text, &parser::parse_item);
}

std::optional<list> parse_list(std::string_view text)
{
    return whole(text, &parser::parse_list);
}

std::optional<dictionary> parse_dictionary(std::string_view text)
{
    return whole(text, &parser::parse_dictionary);
}

std::optional<list> parse_list(field_span fields, std::string_view name)
{
    const auto text = joined(fields, name);
    return text ? parse_list(*text) : std::nullopt;
}

std::optional<dictionary> parse_dictionary(field_span fields, std::string_view name)
{
    const auto text = joined(fields, name);
    return text ? parse_dictionary(*text) : std::nullopt;
}

}  // namespace shoal::cache::protocol::sf
