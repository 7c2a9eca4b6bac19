#pragma once
// What this executable has taken from the heap: it replaces operator new.

#include <cstdint>

namespace shoal::test {

/// Bytes of all blocks that operator new has given and nobody has given back, as glibc's malloc would take for them.
[[nodiscard]] std::int64_t heap_in_use() noexcept;
[[nodiscard]] std::uint64_t heap_calls() noexcept;

}  // namespace shoal::test
