#pragma once
// Scripts of the relay: after the purge log's epoch and the relay's fence.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/redis/script.hpp"
#include "common/redis/value.hpp"
#include "relay_store_embedded.hpp"
#include "shoal_purge_log_embedded.hpp"

namespace shoal::relay {

template <const std::string_view&... Sources>
const redis::script& fenced_script(std::string_view name)
{
    static const std::string text = [] {
        std::string whole{embedded::epoch_lua};
        for (const auto part : {embedded::fence_lua, Sources...}) whole.append(part);
        return whole;
    }();
    static const redis::script code{name, text};
    return code;
}

/// Of an array; null where there is no such number.
[[nodiscard]] inline const std::int64_t* number_at(const redis::value& from, std::size_t at) noexcept
{
    const auto* const array = from.array();
    return array != nullptr && array->size() > at ? (*array)[at].integer() : nullptr;
}

}  // namespace shoal::relay
