#pragma once
// When a purge may be acknowledged: every member has reported that it applied it, or every lease from before it has
// run out.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/coherence/stamp.hpp"
#include "common/coherence/terms.hpp"
#include "common/core/clock.hpp"

namespace shoal::coherence {

/// What a renewal leaves in Redis, under the worker's incarnation.
struct member_report {
    stamp applied;
    /// Of this incarnation: two reports of one position differ, so that a renewal is never overlooked.
    std::uint64_t renewals = 0;
    /// Of the place, as "cache-1".
    std::string_view name;
};

/// Beyond every sequence of an epoch. Reported as applied by who is about to leave, and serves nothing any more.
inline constexpr std::uint64_t beyond_all = 0xFFFFFFFF;

/// As text: "<epoch> <sequence> <renewals> <name>".
[[nodiscard]] std::string to_text(const member_report& report);
/// `name` points into `text`.
[[nodiscard]] std::optional<member_report> read_member_report(std::string_view text) noexcept;

class acknowledgement {
public:
    struct member {
        std::string incarnation;
        /// As the purge's own script found it.
        std::string report;
    };

    /// `received` is a clock read after the purge's reply. `reports_count_from`: see log_follower.
    acknowledgement(const stamp& at, boot_time received, std::vector<member> members, const lease_terms& terms,
                    boot_time reports_count_from);

    /// Members that have not reported it; those left when it is over are fenced.
    [[nodiscard]] const std::vector<member>& awaited() const noexcept { return awaited_; }
    /// Members that had said farewell before the purge; one that died of it is still there.
    [[nodiscard]] std::vector<member> departed() const;
    /// What Redis has of a member now. One that is gone is waited for like one that is silent: Redis may have lost it.
    void reported(std::string_view incarnation, std::string_view report);
    /// What this process itself has applied.
    void applied(std::string_view incarnation, const stamp& position);

    /// The next moment at which over() may become true without a report.
    [[nodiscard]] boot_time next_look(boot_time now) const noexcept;
    [[nodiscard]] bool over(boot_time now) const noexcept;
    [[nodiscard]] const stamp& at() const noexcept { return at_; }
    /// Names of places, sorted.
    [[nodiscard]] std::vector<std::string> confirmed() const;
    [[nodiscard]] std::vector<std::string> fenced() const;

private:
    stamp at_;
    boot_time fenced_at_;
    boot_time reports_count_from_;
    std::vector<member> awaited_;
    std::vector<member> confirmed_;
};

}  // namespace shoal::coherence
