#pragma once
// One worker's copy of the purge log: the position that it has applied, the table, and the lease. A state machine
// without I/O; store/purge_log.cpp feeds it what Redis says.

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "common/coherence/lsn.hpp"
#include "common/coherence/purge_table.hpp"
#include "common/coherence/stamp.hpp"
#include "common/coherence/terms.hpp"
#include "common/coherence/view.hpp"
#include "common/core/clock.hpp"

namespace shoal::coherence {

/// Buckets are packed as append_bucket does it.
struct log_entry {
    stamp at;
    std::string_view hard;
    std::string_view soft;
};

/// What the relay of a database said last: of purges, and of views.
struct relay_word {
    /// How old its claims are, by the server's clock.
    std::optional<std::chrono::microseconds> age{};
    std::optional<std::chrono::microseconds> views_age{};
    /// Zero where it said nothing.
    lsn purged = 0;
    lsn viewed = 0;
};

/// The reply to a renewal, or to the question for the head alone.
struct log_head {
    /// Clocks read before the question was sent, and after its answer.
    boot_time sent;
    boot_time received;
    stamp head;
    relay_word relay{};
};

class log_follower final : public coherence_view {
public:
    explicit log_follower(lease_terms terms = {}, unsigned bits = table_bits) : terms_{terms}, table_{bits} {}

    [[nodiscard]] bool current(boot_time now) const noexcept override { return now < lease_until_; }
    /// Zero while it is joining.
    [[nodiscard]] stamp position() const noexcept override { return position_; }
    [[nodiscard]] boot_time relayed_at() const noexcept override { return relayed_at_; }
    [[nodiscard]] boot_time viewed_at() const noexcept override { return viewed_at_; }
    [[nodiscard]] lsn purged() const noexcept override { return purged_; }
    [[nodiscard]] lsn viewed() const noexcept override { return viewed_; }
    [[nodiscard]] standing judge(const stamp& of, std::span<const tag> tags) const noexcept override;

    /// What every script is told: whoever knows a newer epoch than the server forces a fresh one.
    [[nodiscard]] std::uint64_t known_epoch() const noexcept { return epoch_; }
    [[nodiscard]] bool joined() const noexcept { return position_.epoch != 0; }
    /// Before this no purge of the epoch may be acknowledged by its members' reports: the last loss of data may have
    /// taken members with it whose leases still run.
    [[nodiscard]] boot_time reports_count_from() const noexcept { return terms_.fenced(epoch_heard_); }
    [[nodiscard]] boot_time lease_until() const noexcept { return lease_until_; }

    /// When it was purged last, as far as this copy goes; or another tag of its bucket was.
    [[nodiscard]] const purge_table::cell& last(tag of) const noexcept { return table_.at(of); }

    enum class next : std::uint8_t {
        /// The lease is renewed.
        wait,
        /// There is more in the log than the reply had.
        again,
        /// The table has to be loaded: another epoch, or a gap.
        join,
    };
    /// A renewal's reply; its entries follow the position that the renewal reported.
    next renewed(const log_head& reply, std::span<const log_entry> entries);
    /// An entry from elsewhere. False when it does not follow the position: it is left out.
    bool apply(const log_entry& entry);
    /// An epoch that something else than a renewal named.
    void heard_of(std::uint64_t epoch, boot_time received);

    /// The table is read after the head that is given here, then end_join() is called. Nothing is current meanwhile.
    void begin_join(const log_head& from);
    void load(std::size_t offset, std::string_view bytes) { table_.load(offset, bytes); }
    [[nodiscard]] std::size_t table_size() const noexcept { return table_.bytes(); }
    /// False when a newer epoch was heard of since: to be begun again.
    bool end_join();

    /// Gives up the lease, and the position.
    void leave() noexcept;

private:
    void take_over(const relay_word& said, boot_time sent);

    lease_terms terms_;
    boot_time lease_until_ = boot_time::min();
    boot_time relayed_at_ = boot_time::min();
    boot_time viewed_at_ = boot_time::min();
    lsn purged_ = 0;
    lsn viewed_ = 0;
    stamp position_;
    /// The newest that was ever heard of, and when that was first.
    std::uint64_t epoch_ = 0;
    boot_time epoch_heard_ = boot_time::min();
    stamp joining_;
    purge_table table_;
};

}  // namespace shoal::coherence
