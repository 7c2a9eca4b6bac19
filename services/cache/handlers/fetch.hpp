#pragma once
// Brings a fill its response: from the second level, from another worker that is at it, or from the origin. Goes on
// when the client who asked has left, as long as the response is to be kept.

#include <cstdint>
#include <memory>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "services/cache/handlers/ask.hpp"
#include "services/cache/handlers/engine.hpp"
#include "services/cache/handlers/fill.hpp"
#include "services/cache/protocol/policy.hpp"

namespace shoal::cache {

/// For how long nobody waits for a URL whose answer was not for all.
inline constexpr std::chrono::milliseconds uncacheable_for{10'000};

class fetch {
public:
    /// How it came about.
    struct circumstances {
        /// The second level and other workers may be asked: there is a lease, and the answer is expected to be shared.
        bool shared = true;
        /// Without a lease: the fill of the same URL that is to end first.
        fill_ptr after{};
        /// The client's Range goes to the origin, and what comes is kept as a part of the whole.
        bool part = false;
    };

    /// `what` is an owned copy.
    fetch(engine& with, fill_ptr into, ask what, circumstances how);
    ~fetch();
    fetch(const fetch&) = delete;
    fetch& operator=(const fetch&) = delete;

    /// Until the fill is complete or has failed.
    [[nodiscard]] static boost::asio::awaitable<void> run(std::unique_ptr<fetch> self);

private:
    using done = boost::asio::awaitable<bool>;

    [[nodiscard]] boost::asio::awaitable<void> go();
    [[nodiscard]] boost::asio::awaitable<void> wait_for_turn();
    [[nodiscard]] done from_second_level();
    void answer_stale(const stored_ptr& found);
    [[nodiscard]] done from_other_worker();
    [[nodiscard]] done follow(fill_follower& other);
    [[nodiscard]] bool is_mine(const stored& kept);
    void begin_followed(const shared_head& head);
    [[nodiscard]] boost::asio::awaitable<void> from_origin();
    [[nodiscard]] origin::outgoing request() const;
    [[nodiscard]] bool may_serve_instead(const stored& kept) const;
    [[nodiscard]] boost::asio::awaitable<void> receive(origin::answer& from);
    void begin(const origin::answer& from);
    void decide(unsigned status, const protocol::exchange_times& when);
    [[nodiscard]] bool is_reusable(unsigned status) const noexcept;
    void note(std::string_view reason);
    void tell_others(const filled_head& head);
    void finish(origin::answer& from);
    [[nodiscard]] standing standing_for_validation() const;
    [[nodiscard]] bool renewed();
    [[nodiscard]] stored_parts renewed_parts(const protocol::storing& decided, protocol::field_span merged);
    void keep_renewed(const stored_ptr& kept);
    [[nodiscard]] stored_parts with_head(unsigned status, std::optional<std::uint64_t> length) const;
    void keep_part();
    void keep_less();
    [[nodiscard]] protocol::exchange_times times() const;

    engine& with_;
    fill_ptr into_;
    ask what_;
    circumstances how_;
    /// What the origin is asked about.
    stored_ptr validates_;
    bool only_strong_ = false;
    std::unique_ptr<fill_leader> lead_;
    boot_time sent_;
    boot_time received_;
    protocol::storing decided_;
    stored_parts parts_;
    std::vector<field_view> fields_;
    /// Counted in engine::filling.
    std::uint64_t counted_ = 0;
};

}  // namespace shoal::cache
