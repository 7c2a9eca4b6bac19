#include "services/cache/store/second_level_keys.hpp"

#include <fmt/core.h>
#include <xxhash.h>

namespace shoal::cache {
namespace {

std::string hash(std::string_view text)
{
    const auto made = XXH3_128bits(text.data(), text.size());
    return fmt::format("{:016x}{:016x}", made.high64, made.low64);
}

}  // namespace

url_keys::url_keys(std::string_view key) : slot_{"{" + hash(key) + "}"} {}

std::string url_keys::variant(std::string_view vary, std::string_view variant) const
{
    // A Vary has no line feed in it.
    return fmt::format("v:{}{}", slot_, hash(fmt::format("{}\n{}", vary, variant)));
}

std::string url_keys::stream(std::string_view token) const
{
    return fmt::format("f:{}{}", slot_, token);
}

std::string record_name(const stored& what)
{
    const url_keys names{what.key()};
    return what.vary().empty() ? names.record() : names.variant(what.vary(), what.variant());
}

bool is_record_name(std::string_view text) noexcept
{
    constexpr std::size_t digits = 32;
    const auto is_hash = [](std::string_view part) {
        return part.size() == digits && part.find_first_not_of("0123456789abcdef") == std::string_view::npos;
    };
    if (text.size() < 4 + digits || text[2] != '{' || text[3 + digits] != '}') return false;
    const auto rest = text.substr(4 + digits);
    if (!is_hash(text.substr(3, digits))) return false;
    return text.starts_with("o:") ? rest.empty() : text.starts_with("v:") && is_hash(rest);
}

}  // namespace shoal::cache
