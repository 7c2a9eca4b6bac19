#pragma once
// Names as SQL writes them: what is not quoted is folded to lower case, quoted names stay as they are.

#include <string>
#include <string_view>

#include <boost/system/result.hpp>

namespace shoal::relay {

/// What is wrong with a text, and what is allowed; for the operator.
struct mistake {
    mistake() = default;
    std::string what;
};

[[nodiscard]] mistake mistaken(std::string what);

template <class T>
using parsed = boost::system::result<T, mistake>;

[[noreturn]] void throw_exception_from_error(const mistake& of, const boost::source_location& where);

/// As the catalog has it.
struct table_name {
    std::string schema;
    std::string table;

    friend auto operator<=>(const table_name&, const table_name&) = default;
};

/// PostgreSQL cuts longer names off, so that no catalog has one.
inline constexpr std::size_t longest_name = 63;

/// A name at the beginning of `from`, taken off it.
[[nodiscard]] parsed<std::string> take_name(std::string_view& from);

/// One name and nothing else.
[[nodiscard]] parsed<std::string> parse_name(std::string_view text);

/// schema.table; a table without a schema is one of "public".
[[nodiscard]] parsed<table_name> parse_table_name(std::string_view text);

/// In double quotes, whatever it is: right also for the words that SQL keeps for itself.
[[nodiscard]] std::string in_quotes(std::string_view name);
[[nodiscard]] std::string in_quotes(const table_name& name);

/// As an operator would write it: in quotes only where the name would be read otherwise.
[[nodiscard]] std::string shown(std::string_view name);
[[nodiscard]] std::string shown(const table_name& name);

}  // namespace shoal::relay
