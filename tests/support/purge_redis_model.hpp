#pragma once
// What the scripts of the purge log do, in C++: for simulations, which have no Redis. A test compares it with the
// scripts themselves.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/coherence/stamp.hpp"

namespace shoal::test {

class purge_redis_model {
public:
    struct entry {
        coherence::stamp at;
        std::string hard;
        std::string soft;
    };
    struct renewed {
        coherence::stamp head;
        std::vector<entry> entries;
    };
    struct purged {
        coherence::stamp at;
        std::vector<std::pair<std::string, std::string>> members;
    };
    /// Rules that are left out.
    struct without {
        bool run = false;
        bool known = false;
        bool run_in_epoch = false;
        bool registering = false;
        /// Members are dropped that were silent for so long by the server's clock; zero: never.
        std::int64_t pruning_us = 0;
    };

    purge_redis_model() = default;
    explicit purge_redis_model(const without& rules) : without_{rules} {}

    /// 40 hexadecimal digits.
    std::string run_id = std::string(40, '0');
    std::string replication_id = std::string(40, '0');
    std::int64_t now_us = 0;

    [[nodiscard]] coherence::stamp head(std::uint64_t known);
    [[nodiscard]] renewed renew(std::uint64_t known, const coherence::stamp& applied, const std::string& incarnation,
                                const std::string& report, std::size_t most);
    [[nodiscard]] purged purge(std::uint64_t known, std::string_view hard, std::string_view soft, std::size_t kept);
    std::size_t forget(const std::string& incarnation, const std::string& report);
    void leave(const std::string& incarnation) { data_.members.erase(incarnation); }
    [[nodiscard]] std::optional<std::string> report_of(const std::string& incarnation) const;
    [[nodiscard]] std::string table_part(std::size_t offset, std::size_t length) const;
    [[nodiscard]] const std::deque<entry>& log() const noexcept { return data_.log; }

    /// All that the server would lose.
    struct data {
        std::uint64_t epoch = 0;
        std::uint64_t sequence = 0;
        std::string run;
        std::deque<entry> log;
        std::string table;
        std::map<std::string, std::string, std::less<>> members;
        std::map<std::string, std::int64_t, std::less<>> renewed_us;
    };
    [[nodiscard]] const data& stored() const noexcept { return data_; }
    void restore(data to) { data_ = std::move(to); }

private:
    coherence::stamp current_head(std::uint64_t known, std::uint64_t least_sequence = 0);
    void raise(std::string_view buckets, std::size_t part, std::uint64_t sequence);
    void prune();

    without without_;
    data data_;
};

}  // namespace shoal::test
