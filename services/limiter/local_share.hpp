#pragma once
// "without_redis": "local": while Redis does not answer, each of the fleet's N workers decides by an even share of
// the rule and a memory of its own. Pure: time is an argument.
//
// A share is the N-th part of the rate (T·N) with burst max(1, burst/N); of a window or of slots max(1, limit/N).
// So N workers together admit at most limit/period and max(burst, N) at once. What Redis counted before is not known
// here, nor does Redis learn of this: going over and coming back each may admit one more share.

#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "services/limiter/gcra.hpp"
#include "services/limiter/outcome.hpp"
#include "services/limiter/rule.hpp"
#include "services/limiter/window.hpp"

namespace shoal::limiter {

/// In microseconds. Rates and slots go by boot_clock, calendars by the wall's.
struct local_time {
    std::int64_t boot_us = 0;
    std::int64_t wall_us = 0;
};

/// Outcomes are decided_by::policy.
class local_share {
public:
    /// `capacity` bounds keys and slots together; the least recently used keys go first, with what they hold.
    explicit local_share(std::size_t capacity = 65'536) : capacity_{capacity} {}

    local_share(const local_share&) = delete;
    local_share& operator=(const local_share&) = delete;

    /// N, at least 1.
    void set_workers(std::int64_t count) noexcept;

    /// gcra and window. `cost` 0 peeks.
    [[nodiscard]] outcome take(const rule& by, std::string_view key, std::int64_t cost, local_time now);
    /// Every algorithm: whether `cost` would be granted.
    [[nodiscard]] outcome peek(const rule& by, std::string_view key, std::int64_t cost, local_time now);

    [[nodiscard]] outcome acquire(const rule& by, std::string_view key, std::string_view id, std::int64_t ttl_ms,
                                  local_time now);
    /// Nothing when the slot is not held here: another worker or Redis may know it.
    [[nodiscard]] std::optional<outcome> renew(const rule& by, std::string_view key, std::string_view id,
                                               std::int64_t ttl_ms, local_time now);
    /// Whether it was held here.
    bool release(const rule& by, std::string_view key, std::string_view id, local_time now);
    void forget(const rule& by, std::string_view key);

    /// Keys and slots that are remembered.
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

private:
    struct slot {
        std::string id;
        std::int64_t expires_us = 0;
    };
    struct paced {
        rate by;
        cell now;
    };
    using slots = std::vector<slot>;
    using memory = std::variant<std::monostate, paced, counter, slots>;

    struct entry {
        std::string rule;
        std::string key;
        memory held;
    };
    struct name {
        std::string_view rule;
        std::string_view key;

        bool operator==(const name&) const = default;
    };
    struct name_hash {
        std::size_t operator()(const name& of) const noexcept;
    };

    [[nodiscard]] entry* find(const rule& by, std::string_view key);
    [[nodiscard]] entry& obtain(const rule& by, std::string_view key);
    void put(entry& into, memory made);
    void make_room();
    void erase(std::list<entry>::iterator which);
    [[nodiscard]] static std::size_t weight(const entry& of) noexcept;

    [[nodiscard]] std::int64_t share_of(std::int64_t whole) const noexcept;
    [[nodiscard]] rate share_of(const rate& whole) const noexcept;
    [[nodiscard]] paced pace(const rule& by, const memory* held, local_time now) const;
    [[nodiscard]] counter count(const rule& by, const memory* held, local_time now) const;
    [[nodiscard]] outcome standing_of_slots(const rule& by, const slots& held, std::int64_t now_us) const;
    /// The key's slots without those that have expired, null when it has none.
    [[nodiscard]] slots* live_slots(const rule& by, std::string_view key, std::int64_t now_us);

    std::size_t capacity_;
    std::size_t size_ = 0;
    std::int64_t workers_ = 1;
    /// The most recently used first.
    std::list<entry> entries_;
    /// Looks into the strings of `entries_`.
    std::unordered_map<name, std::list<entry>::iterator, name_hash> index_;
};

}  // namespace shoal::limiter
