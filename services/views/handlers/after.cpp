#include "services/views/handlers/after.hpp"

#include <string_view>
#include <utility>

#include "common/core/ascii.hpp"

namespace shoal::views {
namespace {

constexpr std::string_view field_name = "X-Shoal-After";

}  // namespace

parsed<std::optional<coherence::write_token>> read_after(const http::request& from)
{
    std::optional<coherence::write_token> made;
    for (const auto& one : from.headers) {
        if (!iequals(one.name_text, field_name)) continue;
        auto read = coherence::read_write_token(one.value);
        if (!read || made)
            return refusal{400,
                           "X-Shoal-After takes one position of PostgreSQL's log as \"16/B374D848\", or one token of 1 "
                           "to 64 of A-Z, a-z, 0-9, '.', '_' and '-'"};
        made = std::move(read);
    }
    return made;
}

}  // namespace shoal::views
