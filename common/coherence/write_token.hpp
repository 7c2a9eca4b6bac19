#pragma once
// What a client names that has written to the database and wants to read no older data.

#include <optional>
#include <string>
#include <string_view>

#include "common/coherence/lsn.hpp"

namespace shoal::coherence {

struct write_token {
    /// A position at or behind the end of its commit, as pg_current_wal_insert_lsn() names it after that; or zero.
    lsn at = 0;
    /// Without a position: what its transaction emitted.
    std::string name{};
};

/// 1 to 64 of A-Z, a-z, 0-9, '.', '_' and '-': what a transaction may emit.
[[nodiscard]] bool is_token_name(std::string_view text) noexcept;

/// Either of the two; nothing for a text that is neither, nor for the position 0/0, which no commit has.
[[nodiscard]] std::optional<write_token> read_write_token(std::string_view text);

}  // namespace shoal::coherence
