#pragma once
// "when" of a rule: which rows it is about.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "services/relay/protocol/messages.hpp"

namespace shoal::config {
class object;
}

namespace shoal::relay {

struct filter {
    enum class test : std::uint8_t { in, not_in, null, not_null };

    std::string column;
    test by = test::in;
    /// Sorted; as PostgreSQL's output functions write values: a boolean is t or f.
    std::vector<std::string> texts{};

    /// A value that isn't known counts as inside. NULL is none of the texts: outside of `in`, inside of `not_in`.
    [[nodiscard]] bool has(const std::optional<value>& of) const;

    friend bool operator==(const filter&, const filter&) = default;
};

/// What is wrong is noted in `from`.
[[nodiscard]] filter read_filter(config::object& from);

[[nodiscard]] nlohmann::json to_json(const filter& from);

}  // namespace shoal::relay
