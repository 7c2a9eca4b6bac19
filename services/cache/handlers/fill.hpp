#pragma once
// One response on its way in, and everybody who waits for it: whoever asked first is a reader like the others. It knows
// neither where the response comes from (fetch.hpp) nor what is done with it (serve.hpp).

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/intrusive/list.hpp>

#include "common/core/bytes.hpp"
#include "common/core/clock.hpp"
#include "common/core/error.hpp"
#include "services/cache/handlers/event.hpp"
#include "services/cache/handlers/live_site.hpp"
#include "services/cache/memory/stored.hpp"
#include "services/cache/protocol/cache_status.hpp"

namespace shoal::cache {

/// What a response is before its body is there.
struct filled_head {
    unsigned status = 0;
    /// As in stored::head, without the status line.
    std::string lines{};
    std::optional<std::uint64_t> length{};
    /// In seconds, when it came.
    std::int64_t age = 0;
    /// Others than the first may have it.
    bool shared = false;
    /// Why it is not stored; empty when it is.
    std::string_view reason{};
    stored_parts kept{};
};

class fill final : public counted {
public:
    enum class phase : std::uint8_t { asking, flowing, complete, failed };

    /// Reads from the first byte on. Lives no longer than the fill.
    class reader : public boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
    public:
        explicit reader(fill& of);
        ~reader();
        reader(const reader&) = delete;
        reader& operator=(const reader&) = delete;

        /// The next piece that is there; empty when there is none yet.
        [[nodiscard]] shared_bytes next();
        /// Everything up to the end has been read.
        [[nodiscard]] bool at_end() const noexcept;

    private:
        friend class fill;
        [[nodiscard]] bool has_all_of(const shared_bytes& piece) const noexcept { return read_ == piece.view.size(); }

        fill& of_;
        /// Where it is: so many bytes of that piece were read. The last one may grow.
        std::size_t piece_ = 0;
        std::size_t read_ = 0;
    };

    /// `validates`: what the origin is asked about, or null; `why`: what is told of why it is asked at all.
    fill(const boost::asio::any_io_executor& on, std::string key, stored_ptr validates,
         protocol::forward_reason why = protocol::forward_reason::uri_miss);

    [[nodiscard]] const stored_ptr& validates() const noexcept { return validates_; }
    [[nodiscard]] protocol::forward_reason why() const noexcept { return why_; }
    [[nodiscard]] const std::string& key() const noexcept { return key_; }
    [[nodiscard]] phase current() const noexcept { return phase_; }
    /// Interim answers so far: status and header lines.
    [[nodiscard]] const std::vector<std::pair<unsigned, std::string>>& interims() const noexcept { return interims_; }
    /// From `flowing` on, unless it was answered by something stored.
    [[nodiscard]] const filled_head& head() const noexcept { return head_; }
    /// In `complete`: what came of it, when it was kept or was there already.
    [[nodiscard]] const stored_ptr& outcome() const noexcept { return outcome_; }
    /// What came is for whoever asked first, and nobody else.
    void mark_personal() noexcept { personal_ = true; }
    [[nodiscard]] bool personal() const noexcept { return personal_; }
    /// l2, stale, miss or revalidated.
    [[nodiscard]] answered how() const noexcept { return how_; }
    [[nodiscard]] boost::system::error_code error() const noexcept { return error_; }
    [[nodiscard]] const std::string& trailers() const noexcept { return trailers_; }
    /// The next change, or `until`, or nothing of either: whoever waits looks at the state anew.
    [[nodiscard]] boost::asio::awaitable<void> changed(boot_time until = boot_time::max());

    /// A reader may still start with the first byte.
    [[nodiscard]] bool whole() const noexcept { return dropped_ == 0; }
    /// Before the request was sent, the time of which decides who may join without a lease: nothing.
    [[nodiscard]] std::optional<boot_time> sent() const noexcept { return sent_; }
    [[nodiscard]] const stamp& since() const noexcept { return since_; }

    /// What follows is for whoever fetches. Each wakes those who wait.
    void mark_sent(stamp since, boot_time at);
    /// The response comes from where its request was sent earlier than anybody here knows: the second level, or another
    /// worker. Then it needs a lease and a judgement for each reader.
    void mark_older(stamp since);
    [[nodiscard]] bool older() const noexcept { return older_; }
    /// It is another worker that fetches.
    [[nodiscard]] bool followed() const noexcept { return older_ && how_ != answered::l2 && how_ != answered::stale; }
    void interim(unsigned status, std::string_view lines);
    void begin(filled_head head);
    /// Waits while the slowest reader is further behind than a window, unless everything is kept. False when nobody
    /// reads and nothing is kept: then the rest is not wanted here.
    [[nodiscard]] boost::asio::awaitable<bool> add(shared_bytes piece);
    /// From now on pieces are dropped when every reader has had them: the response turned out too large to keep.
    void stop_keeping();
    /// It is over: what is left is for those who read, and no longer.
    void let_go();
    [[nodiscard]] bool keeping() const noexcept { return keeping_; }
    void complete(stored_ptr outcome, answered how, std::string trailers = {});
    void fail(boost::system::error_code why);

    /// Bytes of the body so far.
    [[nodiscard]] std::uint64_t received() const noexcept { return received_; }
    /// What those that are held take of memory.
    [[nodiscard]] std::uint64_t held() const noexcept { return held_; }
    /// What came side by side in one block is one piece.
    [[nodiscard]] const std::deque<shared_bytes>& pieces() const noexcept { return pieces_; }

private:
    void drop_read();

    std::string key_;
    stored_ptr validates_;
    protocol::forward_reason why_;
    phase phase_ = phase::asking;
    bool keeping_ = true;
    bool older_ = false;
    bool personal_ = false;
    /// Nobody joins any more: what every reader has had is dropped.
    bool let_go_ = false;
    std::optional<boot_time> sent_;
    stamp since_;
    std::vector<std::pair<unsigned, std::string>> interims_;
    filled_head head_;
    /// Pieces before the first of these were dropped.
    std::deque<shared_bytes> pieces_;
    std::size_t dropped_ = 0;
    std::uint64_t held_ = 0;
    std::uint64_t received_ = 0;
    stored_ptr outcome_;
    answered how_ = answered::miss;
    boost::system::error_code error_;
    std::string trailers_;
    boost::intrusive::list<reader, boost::intrusive::constant_time_size<false>> readers_;
    event changed_;
    /// A reader went on, or went away.
    event taken_;
};

using fill_ptr = boost::intrusive_ptr<fill>;

}  // namespace shoal::cache
