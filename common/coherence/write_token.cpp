#include "common/coherence/write_token.hpp"

#include <algorithm>

#include "common/core/ascii.hpp"

namespace shoal::coherence {
namespace {

constexpr std::size_t most_name_bytes = 64;

bool fits(char one) noexcept
{
    const char lower = to_lower(one);
    return is_digit(one) || (lower >= 'a' && lower <= 'z') || one == '.' || one == '_' || one == '-';
}

}  // namespace

bool is_token_name(std::string_view text) noexcept
{
    return !text.empty() && text.size() <= most_name_bytes && std::all_of(text.begin(), text.end(), fits);
}

std::optional<write_token> read_write_token(std::string_view text)
{
    if (is_token_name(text)) return write_token{0, std::string{text}};
    const auto at = parse_lsn(text);
    if (!at || *at == 0) return std::nullopt;
    return write_token{*at};
}

}  // namespace shoal::coherence
