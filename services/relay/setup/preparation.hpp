#pragma once
// What `setup` has to do to a database: plain values, so that it can be printed instead.

#include <string>
#include <string_view>
#include <vector>

#include "services/relay/setup/survey.hpp"

namespace shoal::relay {

struct preparation {
    /// Publication and identities; each entry is one or more statements. For one transaction.
    std::vector<std::string> schema;
    /// After that, each by itself. A slot that is older than its publication can't be decoded, so it is made anew.
    std::vector<std::string> slot;

    [[nodiscard]] bool empty() const noexcept { return schema.empty() && slot.empty(); }
};

[[nodiscard]] preparation prepare(const settings& chosen, const survey& of);

/// As psql takes it; a comment where there is nothing to do.
[[nodiscard]] std::string to_sql(const preparation& from);

}  // namespace shoal::relay
