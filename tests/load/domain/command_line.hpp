#pragma once
// The words of the command line, and what they mean. tests/load/help.txt explains them to people.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/load/domain/options.hpp"

namespace shoal::load {

/// Nothing when the help was asked for. Throws bad_input. `seed` is taken when none is given.
[[nodiscard]] std::optional<options> parse_command_line(int argc, const char* const* argv, std::uint64_t seed);

/// The names of all options, as "--url".
[[nodiscard]] std::vector<std::string> option_names();

}  // namespace shoal::load
