#pragma once
// Structured field values (RFC 9651). Parsing is strict: what is wrong anywhere is wrong as a whole.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "services/cache/protocol/fields.hpp"

namespace shoal::cache::protocol::sf {

/// In thousandths: 12 digits before the point, 3 after it.
struct decimal {
    std::int64_t thousandths = 0;
    friend bool operator==(const decimal&, const decimal&) = default;
};

struct token {
    std::string text;
    friend bool operator==(const token&, const token&) = default;
};

/// Decoded.
struct bytes {
    std::string data;
    friend bool operator==(const bytes&, const bytes&) = default;
};

/// Seconds since 1970.
struct date {
    std::int64_t seconds = 0;
    friend bool operator==(const date&, const date&) = default;
};

/// UTF-8.
struct display_string {
    std::string text;
    friend bool operator==(const display_string&, const display_string&) = default;
};

/// Integers are of 15 digits at most.
using bare_item = std::variant<std::int64_t, decimal, std::string, token, bytes, bool, date, display_string>;

using parameters = std::vector<std::pair<std::string, bare_item>>;

struct item {
    bare_item value;
    parameters with;
    friend bool operator==(const item&, const item&) = default;
};

struct inner_list {
    std::vector<item> items;
    parameters with;
    friend bool operator==(const inner_list&, const inner_list&) = default;
};

using member = std::variant<item, inner_list>;
using list = std::vector<member>;
/// Keys are unique: a later one has replaced the value of an earlier one.
using dictionary = std::vector<std::pair<std::string, member>>;

/// Members of a list, a dictionary, an inner list, and parameters: no more are read (the RFC asks for 1024 of a list
/// and a dictionary, 256 of the others).
inline constexpr std::size_t most_members = 1024;

/// An empty text is an empty list, and no item.
[[nodiscard]] std::optional<item> parse_item(std::string_view text);
[[nodiscard]] std::optional<list> parse_list(std::string_view text);
[[nodiscard]] std::optional<dictionary> parse_dictionary(std::string_view text);

/// All lines of that name; nothing also when there is none.
[[nodiscard]] std::optional<list> parse_list(field_span fields, std::string_view name);
[[nodiscard]] std::optional<dictionary> parse_dictionary(field_span fields, std::string_view name);

/// Nothing for what can't be written: a string that is not ASCII, a key or a token of other characters, a number out of
/// range, an empty list.
[[nodiscard]] std::optional<std::string> serialize(const item& of);
[[nodiscard]] std::optional<std::string> serialize(const list& of);
[[nodiscard]] std::optional<std::string> serialize(const dictionary& of);

}  // namespace shoal::cache::protocol::sf
