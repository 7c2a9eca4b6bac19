#pragma once
// What is right about an answer: its status, its body, who gave it, and what holds over all answers for a key.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/load/domain/fate.hpp"
#include "tests/load/domain/keys.hpp"
#include "tests/load/domain/request_template.hpp"

namespace shoal::load {

struct status_range {
    unsigned first = 200;
    unsigned last = 399;
};

/// At most `burst` + T * limit / period admissions of a key in any interval T.
struct admission_bound {
    double limit = 0;
    std::chrono::nanoseconds period{};
    double burst = 0;
};

struct check_options {
    std::vector<status_range> statuses{{}};
    /// Must be in the body; may have {key} and {n}.
    std::string body{};
    bool owner = false;
    std::optional<admission_bound> admissions{};
    /// The number behind this text, in the body or in a field given as "Name:", is the version of what a key has.
    std::string version_mark{};
};

/// Views live as long as the call.
struct answer_view {
    unsigned status = 0;
    std::string_view body{};
    /// Of the field that --check-fresh names, if it names one.
    std::string_view version_field{};
    /// Index of a tally's worker, 0 when the answer names none.
    std::uint16_t worker = 0;
    std::chrono::nanoseconds sent{};
    std::chrono::nanoseconds done{};
};

/// The number after the first `mark`, or nothing.
[[nodiscard]] std::optional<std::uint64_t> number_after(std::string_view text, std::string_view mark) noexcept;

/// Remembers a few bytes for each key. Answers are judged in the order in which they came.
class checks {
public:
    checks(check_options options, std::uint32_t keys);

    /// The body is looked at: without that, nobody has to keep it.
    [[nodiscard]] bool wants_body() const noexcept;
    /// The newest version that was seen for the key: take it when a request is sent, and give it back with its answer.
    [[nodiscard]] std::uint64_t newest(std::uint32_t key) const noexcept { return newest_.empty() ? 0 : newest_[key]; }

    [[nodiscard]] fate judge(const answer_view& answer, const request_values& request, std::uint64_t newest_when_sent);

    /// Keys of which some answer named the worker, by worker; what each key's last answer said.
    [[nodiscard]] std::vector<std::uint32_t> keys_by_worker() const;
    [[nodiscard]] std::uint64_t owner_changes() const noexcept { return owner_changes_; }

private:
    /// A bucket that leaks `limit` per `period`, by the times at which answers came.
    struct bucket {
        double level = 0;
        std::chrono::nanoseconds last{};
        std::chrono::nanoseconds slowest{};
    };

    [[nodiscard]] bool status_is_expected(unsigned status) const noexcept;
    [[nodiscard]] bool owner_is_right(const answer_view& answer, std::uint32_t key);
    [[nodiscard]] bool admission_is_possible(const answer_view& answer, std::uint32_t key);
    [[nodiscard]] std::optional<std::uint64_t> version(const answer_view& answer) const noexcept;

    check_options options_;
    text_template body_;
    bool version_in_field_;
    std::vector<std::uint16_t> owners_;
    std::vector<std::uint64_t> newest_;
    std::vector<bucket> buckets_;
    std::uint64_t owner_changes_ = 0;
    std::string scratch_;
};

}  // namespace shoal::load
