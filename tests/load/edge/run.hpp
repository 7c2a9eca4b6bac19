#pragma once
// The course of one run, from the words of the command line to its results.

namespace shoal::load {

/// The program's exit code: 0 all requests were right, 1 some were not, 2 usage, 130 stopped by a signal.
[[nodiscard]] int run(int argc, const char* const* argv);

}  // namespace shoal::load
