#pragma once
// Fields of the configuration that several parts of it have. What is wrong is noted at the object.

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "common/config/reader.hpp"

namespace shoal::cache {

struct text_list {
    std::size_t least = 0;
    std::size_t most = 100;
    /// Says of a text what is wrong with it and what is allowed; empty for nothing. May bring it to another form.
    std::function<std::string(std::string&)> refuse;
};

/// An array of different strings; `fallback` when it is absent.
[[nodiscard]] std::vector<std::string> read_texts(config::object& from, std::string_view name, const text_list& how,
                                                  std::vector<std::string> fallback = {});

/// A duration of whole seconds.
[[nodiscard]] std::chrono::seconds read_seconds(config::object& from, std::string_view name,
                                                config::duration_range range, std::chrono::seconds fallback);
/// Of whole milliseconds.
[[nodiscard]] std::chrono::milliseconds read_milliseconds(config::object& from, std::string_view name,
                                                          config::duration_range range,
                                                          std::chrono::milliseconds fallback);

}  // namespace shoal::cache
