#pragma once
// 128 random bits drawn once per process: what tells two processes of one place apart.

#include <string>

namespace shoal {

/// 32 lower-case hexadecimal digits from the kernel's generator. Throws std::system_error when it has none.
[[nodiscard]] std::string random_incarnation();

}  // namespace shoal
