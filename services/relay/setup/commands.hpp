#pragma once
// `shoal-relay check` and `shoal-relay setup`: an operator's commands, which end.

namespace shoal::relay {

/// Whether the command line is one of them and no worker's.
[[nodiscard]] bool is_command(int argc, const char* const* argv);

/// 0: it is as it should be; 1: something is refused or failed, and was said; 2: wrong usage.
[[nodiscard]] int run_command(int argc, const char* const* argv);

}  // namespace shoal::relay
