// Who may wait for a fill that is under way.

#include "services/cache/handlers/flights.hpp"

#include <span>
#include <utility>

#include <boost/asio/io_context.hpp>

#include <catch2/catch.hpp>

using namespace shoal;
using namespace shoal::cache;
using namespace std::chrono_literals;

namespace {

constexpr boot_time start{1h};

/// With a lease, and one judgement for everything.
class leased final : public coherence_view {
public:
    explicit leased(standing of_all = standing::current) : of_all_{of_all} {}

    [[nodiscard]] bool current(boot_time) const noexcept override { return true; }
    [[nodiscard]] stamp position() const noexcept override { return {1, 1}; }
    [[nodiscard]] boot_time relayed_at() const noexcept override { return boot_time::max(); }
    [[nodiscard]] boot_time viewed_at() const noexcept override { return boot_time::max(); }
    [[nodiscard]] lsn purged() const noexcept override { return 0; }
    [[nodiscard]] lsn viewed() const noexcept override { return 0; }
    [[nodiscard]] standing judge(const stamp&, std::span<const tag>) const noexcept override { return of_all_; }

private:
    standing of_all_;
};

class sky {
    boost::asio::io_context loop_;

public:
    fill_ptr add(stored_ptr validates = nullptr)
    {
        fill_ptr one{new fill{loop_.get_executor(), "http://a/", std::move(validates)}};
        all.add(one);
        return one;
    }
    fill_ptr sent(boot_time at)
    {
        auto one = add();
        one->mark_sent({1, 1}, at);
        return one;
    }
    [[nodiscard]] fill_ptr joined(ask& by, const coherence_view& log = leased{}) const
    {
        const site_view seen{log, std::nullopt};
        return all.join(by, by.write_not_purged ? seen.without_lease() : seen, by.received + 1s).in;
    }

    flights all;
};

ask request()
{
    ask made;
    made.key = "http://a/";
    made.received = start;
    return made;
}

ask writer()
{
    auto made = request();
    made.write_not_purged = true;
    return made;
}

stored_ptr kept()
{
    stored_parts parts;
    parts.key = "http://a/";
    return stored::make(parts);
}

}  // namespace

TEST_CASE("flights: who has written joins only what was sent after its request came", "[cache]")
{
    sky over;
    auto who = writer();
    auto other = request();
    const auto before = over.sent(start - 1ns);
    CHECK(over.joined(other) == before);
    CHECK(over.joined(who) == nullptr);
    const auto after = over.sent(start);
    CHECK(over.joined(who) == after);
    who.received = start + 1ns;
    CHECK(over.joined(who) == nullptr);
    const auto to_be_sent = over.add();
    CHECK(over.joined(who) == to_be_sent);
    // Its response was there before: from the second level, or of another worker.
    to_be_sent->mark_older({1, 1});
    CHECK(over.joined(who) == nullptr);
}

TEST_CASE("flights: what is validated is passed over by who has written, in favour of what is not", "[cache]")
{
    sky over;
    auto who = writer();
    auto later = request();
    later.after_write = true;
    auto other = request();
    const auto validating = over.add(kept());
    CHECK(over.joined(who) == nullptr);
    CHECK(over.joined(later, leased{standing::softly_purged}) == nullptr);
    CHECK(over.joined(later) == validating);
    CHECK(over.joined(other, leased{standing::softly_purged}) == validating);
    const auto whole = over.add();
    CHECK(over.joined(who) == whole);
    CHECK(over.joined(later, leased{standing::softly_purged}) == whole);
}

TEST_CASE("flights: a third request for a key waits for the last of two that have no answer yet", "[cache]")
{
    sky over;
    CHECK(over.all.last_of_many("http://a/") == nullptr);
    const auto first = over.sent(start);
    CHECK(over.all.last_of_many("http://a/") == nullptr);
    const auto second = over.sent(start + 1s);
    CHECK(over.all.last_of_many("http://a/") == second);
    first->begin({});
    CHECK(over.all.last_of_many("http://a/") == nullptr);
}
