#pragma once
// Header fields as they came, and the lists that their values make (RFC 9110, 5.3 and 5.6.1).

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace shoal::cache {

/// One line. The views belong to the message that it was read from.
struct field_view {
    std::string_view name;
    std::string_view value;
};

}  // namespace shoal::cache

namespace shoal::cache::protocol {

using field_span = std::span<const field_view>;

/// Without the spaces and tabs around it.
[[nodiscard]] std::string_view trim(std::string_view text) noexcept;

/// In lower case.
[[nodiscard]] std::string lower(std::string_view text);

/// The value of the first line of that name, trimmed.
[[nodiscard]] std::optional<std::string_view> find(field_span fields, std::string_view name) noexcept;
[[nodiscard]] bool has(field_span fields, std::string_view name) noexcept;

/// The members of a comma-separated list: trimmed, empty ones left out, commas in quoted strings not counted. After a
/// quote that is never closed, quotes are characters like others: it hides nothing.
class list_reader {
public:
    explicit list_reader(std::string_view text = {}) noexcept : rest_{text} {}

    [[nodiscard]] std::optional<std::string_view> next() noexcept;

private:
    [[nodiscard]] std::size_t end_of_member() noexcept;

    std::string_view rest_;
    bool quotes_count_ = true;
};

/// The same of a list that may go over several lines.
class list_members {
public:
    list_members(field_span fields, std::string_view name) noexcept : fields_{fields}, name_{name} {}

    [[nodiscard]] std::optional<std::string_view> next() noexcept;

private:
    field_span fields_;
    std::string_view name_;
    list_reader line_;
};

/// A member of the list is `member`, compared without case.
[[nodiscard]] bool has_member(field_span fields, std::string_view name, std::string_view member) noexcept;

/// delta-seconds (RFC 9111, 1.2.2): digits only; what is above 2^31 is 2^31.
[[nodiscard]] std::optional<std::int64_t> delta_seconds(std::string_view text) noexcept;

/// The value of the first line of that name in a head.
[[nodiscard]] std::string_view find_in_head(std::string_view head, std::string_view name) noexcept;

/// The header lines of a head (after its status line, up to an empty line or the end), each without its CR LF.
[[nodiscard]] std::vector<field_view> lines_of(std::string_view head);

}  // namespace shoal::cache::protocol
