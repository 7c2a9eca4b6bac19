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

}  // namespace shoal::cache
