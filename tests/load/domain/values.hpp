#pragma once
// Values of options as people write them. All throw bad_input, which names the option.

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "tests/load/domain/options.hpp"

namespace shoal::load {

/// "100ms", "10s"; above 0.
[[nodiscard]] std::chrono::nanoseconds parse_time(std::string_view option, std::string_view text,
                                                  std::chrono::nanoseconds most);
/// "200", "0.5", "100,200,400".
[[nodiscard]] std::vector<arrival_rate> parse_rates(std::string_view text);
/// "200", "200,429", "200-299,404".
[[nodiscard]] std::vector<status_range> parse_statuses(std::string_view text);
/// "GET", "GET=3,POST=1".
[[nodiscard]] std::vector<method_share> parse_methods(std::string_view text);
/// "10/60s", "100/1s+20"; the burst is the limit where none is given.
[[nodiscard]] admission_bound parse_admissions(std::string_view text);
/// "NAME=PID" or "PID".
[[nodiscard]] watched_process parse_process(std::string_view text);
/// "Name: value" without what would break the request.
[[nodiscard]] std::string parse_field(std::string_view text);
/// The text itself, or with "@FILE" what is in it.
[[nodiscard]] std::string read_body(std::string_view text);

}  // namespace shoal::load
