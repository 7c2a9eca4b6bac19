#pragma once
// A header field as the rules of the cache see it.

#include <string_view>

namespace shoal::cache {

struct field_view {
    std::string_view name;
    std::string_view value;
};

}  // namespace shoal::cache
