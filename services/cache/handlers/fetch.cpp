#include "services/cache/handlers/fetch.hpp"

#include <utility>

namespace shoal::cache {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

/// How long another worker's fill is waited for without a sign of it.
constexpr std::chrono::milliseconds patience = 10s;
/// How often a worker tries to get a turn before it fetches by itself.
constexpr int most_turns = 3;

}  // namespace

fetch::fetch(engine& with, fill_ptr into, ask what, circumstances how)
    : with_{with}, into_{std::move(into)}, what_{std::move(what)}, how_{std::move(how)}, validates_{into_->validates()}
{
}

fetch::~fetch()
{
    with_.filling -= counted_;
    with_.under_way.remove(*into_);
    into_->let_go();
    if (into_->current() == fill::phase::asking || into_->current() == fill::phase::flowing)
        into_->fail(make_error_code(errc::origin_lost));
}

asio::awaitable<void> fetch::run(std::unique_ptr<fetch> self)
{
    co_await self->go();
}

asio::awaitable<void> fetch::go()
{
    co_await wait_for_turn();
    bool over = false;
    if (how_.shared) over = co_await from_second_level();
    if (how_.shared && !over) over = co_await from_other_worker();
    if (!over) co_await from_origin();
}

asio::awaitable<void> fetch::wait_for_turn()
{
    while (how_.after != nullptr) {
        if (how_.after->current() != fill::phase::asking) break;
        co_await how_.after->changed();
    }
    how_.after.reset();
}

/// True when the fill has its response.
fetch::done fetch::from_second_level()
{
    auto found = co_await with_.l2.find(what_.key, what_);
    const auto now = boot_clock::now();
    if (!found || !with_.view_of(what_.at->of()).current(now)) co_return false;
    const auto how_it_stands = with_.log.judge(found->since(), found->tags());
    const auto verdict = protocol::judge({.use = found->use(),
                                          .age = found->age(now),
                                          .wishes = what_.view.directives,
                                          .softly_purged = how_it_stands == standing::softly_purged});
    const bool usable = how_it_stands != standing::purged;
    // Where the origin fails, even what is stale may be served from memory.
    if (usable) with_.l1.insert(found);
    if (usable && verdict == protocol::reuse::fresh) {
        into_->mark_older(found->since());
        into_->complete(std::move(found), answered::l2);
        co_return true;
    }
    if (!validates_ || validates_->wall_received() < found->wall_received()) validates_ = found;
    // What is known already, or is older than that, nobody waits for.
    const bool news = validates_ == found;
    if (usable && news && verdict == protocol::reuse::stale_while_revalidating) answer_stale(found);
    co_return false;
}

/// To those who wait; the origin is then asked for those to come.
void fetch::answer_stale(const stored_ptr& found)
{
    const auto answered_now = std::exchange(
        into_, fill_ptr{new fill{with_.on.loop.get_executor(), what_.key, found, protocol::forward_reason::stale}});
    with_.under_way.remove(*answered_now);
    with_.under_way.add(into_);
    answered_now->mark_older(found->since());
    answered_now->complete(found, answered::stale);
}

fetch::done fetch::from_other_worker()
{
    for (int turn = 0; turn < most_turns; ++turn) {
        auto claim = co_await with_.l2.acquire(what_.key);
        lead_ = std::move(claim.lead);
        if (claim.whose != second_level::turn::theirs) co_return false;
        if (co_await follow(*claim.follow)) co_return true;
        if (into_->current() != fill::phase::asking) co_return true;
        if (!how_.shared) co_return false;
        if (co_await from_second_level()) co_return true;
    }
    co_return false;
}

/// True when the fill is over; else the response has to come from somewhere else.
fetch::done fetch::follow(fill_follower& other)
{
    using step = fill_follower::step;
    while (true) {
        auto news = co_await other.next(boot_clock::now() + patience);
        switch (news.what) {
        case step::head:
            if (!is_mine(*news.head->kept)) {
                how_.shared = false;
                co_return false;
            }
            begin_followed(*news.head);
            break;
        case step::piece: {
            keep_less();
            const bool wanted = co_await into_->add(std::move(news.piece));
            if (!wanted) co_return true;
            break;
        }
        case step::end:
            // What the leader stored is in the second level: whoever asks next finds it there.
            into_->complete(nullptr, answered::collapsed, std::move(news.trailers));
            co_return true;
        case step::waiting:
            // The origin may pause; a leader that died would be lost.
            if (into_->current() == fill::phase::flowing) break;
            co_return false;
        case step::nobodys:
        case step::released:
        case step::lost:
            if (into_->current() == fill::phase::flowing) into_->fail(make_error_code(errc::origin_lost));
            co_return into_->current() != fill::phase::asking;
        }
    }
}

/// Another worker's fill is of the same URL, perhaps of another variant.
bool fetch::is_mine(const stored& kept)
{
    if (kept.key() != what_.key) return false;
    if (!kept.vary().empty() && what_.of(kept.vary()) != kept.variant()) return false;
    return with_.log.judge(kept.since(), kept.tags()) == standing::current;
}

void fetch::begin_followed(const shared_head& head)
{
    into_->mark_older(head.kept->since());
    into_->begin({.status = head.kept->status(),
                  .lines = head.lines,
                  .length = head.length,
                  .age = head.kept->age(boot_clock::now()),
                  .shared = true,
                  .kept = head.kept->parts()});
}

}  // namespace shoal::cache
