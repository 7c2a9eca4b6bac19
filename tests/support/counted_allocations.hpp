#pragma once
// Counts what an executable allocates, by replacing operator new: linked where there is an allocation_test.cpp.

#include <cstddef>

namespace shoal::test {

/// So far, by everybody.
[[nodiscard]] std::size_t allocations() noexcept;

}  // namespace shoal::test
