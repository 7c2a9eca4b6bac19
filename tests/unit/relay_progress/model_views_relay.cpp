#include <algorithm>
#include <string>
#include <utility>

#include "tests/unit/relay_progress/model_views_life.hpp"

namespace shoal::test {
namespace {

enum stages : int { to_own, to_void, to_wait, to_void_again, to_attach, to_attach_views, to_attach_whole, following };

}  // namespace

bool views_life::stage_is_following() const noexcept
{
    return stage_ == following;
}

/// What was on its way to Redis may come about later.
void views_life::die()
{
    ++made_.takeovers;
    if (fill_) ++made_.takeovers_in_fill;
    for (auto* const each : {&publishing_, &beating_})
        if (*each && random_.chance(0.7)) late_.push_back(std::move((*each)->what));
    if (round_ && round_->writing && random_.chance(0.7)) late_.push_back(std::move(round_->writing->what));
    begin_again();
}

void views_life::begin_again()
{
    stage_ = to_own;
    publishing_.reset();
    beating_.reset();
    round_.reset();
    fill_.reset();
    confirming_.reset();
    views_sight_.reset();
    clock_ = 0;
    views_claim_ = 0;
    purged_said_ = viewed_said_ = 0;
    listed_before_.emplace();
    for (std::size_t row = 0; row < model_database::rows; ++row)
        if (model_database::exists(row, database_.now()[row])) listed_before_->push_back(row);
}

/// One that nobody could see yet is waited for (what waits for a standby is not covered: services/relay/README.md).
void views_life::make_slot()
{
    database_.finish(now_);
    slot_ = true;
    new_slot_ = true;
    confirmed_ = database_.written();
}

bool views_life::arrives(const script& what)
{
    auto sent = what;
    sent.fenced = !without(left_out::fence);
    const bool ran = redis_.run(sent);
    check();
    return ran;
}

views_life::script views_life::written_under_its_epoch(std::function<void(model_redis_state&)> what, bool checked) const
{
    return {.fence = fence_, .run = [what = std::move(what), checked](model_redis_state& in) {
                if (checked && in.attached != in.epoch) return false;
                what(in);
                return true;
            }};
}

void views_life::attach_on()
{
    const auto void_all = [](model_redis_state& in) {
        in.purge({everything_tag});
        return true;
    };
    switch (stage_) {
    case to_own: {
        if (!slot_) make_slot();
        fence_ = redis_.fresh();
        (void)redis_.run({.fenced = false, .run = [this](model_redis_state& in) {
                              in.fence = fence_;
                              return true;
                          }});
        const auto& known = redis_.now();
        goes_on_ = !new_slot_ && known.attached == known.epoch && confirmed_ <= known.position;
        views_go_on_ = !new_slot_ && known.views_source && confirmed_ <= known.position;
        if (without(left_out::comparing_positions)) views_go_on_ = known.views_source;
        epoch_ = known.epoch;
        stage_ = goes_on_ ? to_attach : to_void;
        return;
    }
    case to_void:
        if (!arrives({.fence = fence_, .run = void_all})) return die();
        ++made_.voided;
        epoch_ = redis_.now().epoch;
        to_replay_ = database_.written();
        stage_ = replicas_ && !without(left_out::voiding_after_replicas) ? to_wait : to_attach;
        return;
    case to_wait:
        if (database_.replayed() >= to_replay_) stage_ = to_void_again;
        return;
    case to_void_again:
        if (!arrives({.fence = fence_, .run = void_all})) return die();
        epoch_ = redis_.now().epoch;
        stage_ = to_attach;
        return;
    case to_attach: return attach(views_go_on_);
    case to_attach_views: return attach_views();
    default: return attach(true);
    }
}

void views_life::attach(bool views)
{
    const auto position = confirmed_;
    const bool any_epoch = without(left_out::epoch_of_attaching);
    if (!arrives({.fence = fence_, .run = [=, epoch = epoch_](model_redis_state& in) {
                      if (in.epoch != epoch && !any_epoch) return false;
                      in.attached = in.epoch;
                      in.position = in.purged = position;
                      in.views_source = views;
                      in.viewed = 0;
                      return true;
                  }}))
        return die();
    if (stage_ == to_attach) {
        stage_ = to_attach_views;
        return;
    }
    begin_to_follow();
}

void views_life::begin_to_follow()
{
    stage_ = following;
    new_slot_ = false;
    progress_ = relay::progress{confirmed_};
    sent_ = 0;
    while (sent_ < database_.log().size() && database_.at(database_.log()[sent_]).end <= confirmed_) ++sent_;
}

void views_life::attach_views()
{
    epoch_ = redis_.now().epoch;
    script made = written_under_its_epoch([](model_redis_state&) {}, true);
    for (std::size_t view = 0; view < model_views; ++view) {
        const auto before = redis_.now().directory[view];
        auto& one = views_[view];
        one = {};
        if (before) one.generation = before->generation;
        if (views_go_on_ && before) {
            one.ready = before->ready || without(left_out::listing_again);
            one.announced = before->epoch != epoch_ || one.ready != before->ready;
            one.wants_fill = !one.ready;
            ++made_.went_on;
        } else {
            void_view(view);
        }
    }
    add_directory(made);
    if (!arrives(made)) return die();
    if (views_go_on_) return begin_to_follow();
    stage_ = to_attach_whole;
}

void views_life::void_view(std::size_t which)
{
    auto& one = views_[which];
    const bool anew = !without(left_out::new_generation) || one.generation == 0;
    one = {.generation = anew ? redis_.fresh() : one.generation, .announced = true, .wants_fill = true};
    if (fill_ && fill_->view == which) fill_.reset();
}

/// What is announced of views, with the script.
void views_life::add_directory(script& to)
{
    for (std::size_t view = 0; view < model_views; ++view) {
        auto& one = views_[view];
        if (!std::exchange(one.announced, false)) continue;
        to.run = [run = std::move(to.run), view, one, epoch = epoch_](model_redis_state& in) {
            if (!run(in)) return false;
            auto& generations = in.generations[view];
            std::erase_if(generations, [&](const auto& each) { return each.first < one.generation; });
            if (!generations.contains(one.generation)) generations[one.generation].fill(-1);
            in.directory[view] = {one.generation, one.ready, epoch};
            in.purge({whole_view_tag(view)});
            return true;
        };
    }
}

void views_life::follow_on()
{
    switch (random_.below(7)) {
    case 0: return receive();
    case 1: return look();
    case 2: return publish();
    case 3: return beating_ ? beat_ends() : beat();
    default: return keep_views();
    }
}

void views_life::receive()
{
    if (sent_ == database_.log().size() || database_.at(database_.log()[sent_]).end > database_.flushed())
        return progress_.passed(database_.flushed());
    const auto which = database_.log()[sent_++];
    const auto& one = database_.at(which);
    // One label for what it purges and for its token.
    const bool any = std::ranges::any_of(one.makes, [](int each) { return each != 0; });
    const auto label = std::to_string(which);
    progress_.received(static_cast<std::uint32_t>(one.xid), one.end,
                       {.hard = any ? label : "", .soft = "", .token = label},
                       any ? std::vector{label} : std::vector<std::string>{});
}

void views_life::look()
{
    const auto found = database_.look();
    const bool waits = replicas_ && !without(left_out::waiting_for_replicas);
    progress_.seen(found.seen, waits ? database_.replayed() : relay::progress::everywhere);
    // A look that began after the clock was read.
    if (clock_ == 0 || views_sight_) return;
    views_claim_ = std::exchange(clock_, 0);
    views_sight_ = found;
}

void views_life::publish()
{
    if (publishing_) {
        const auto sent = *std::exchange(publishing_, std::nullopt);
        const bool lost = !quiet_ && random_.chance(0.04);
        if (lost && random_.chance(0.5)) late_.push_back(sent.what);
        if (lost || !arrives(sent.what)) return die();
        return progress_.written();
    }
    const auto batch = progress_.next(1000);
    if (batch.empty()) return;
    std::vector<coherence::tag> tags;
    for (const auto* const each : batch.sets) {
        if (each->hard.empty()) continue;
        const auto& makes = database_.at(std::stoul(each->hard)).makes;
        for (std::size_t row = 0; row < model_database::rows; ++row)
            if (makes[row] != 0) tags.push_back(row);
    }
    std::vector<std::pair<std::size_t, lsn>> tokens;
    for (const auto& each : batch.tokens) tokens.emplace_back(std::stoul(std::string{each.name}), each.end);
    purged_said_ = without(left_out::purged_with_the_last_write) ? progress_.received() : batch.done;
    publishing_ = call{.what = {.fence = fence_, .run = [=, purged = purged_said_](model_redis_state& in) {
                                    in.purged = purged;
                                    for (const auto& [name, end] : tokens) in.tokens[name] = end;
                                    in.purge(tags);
                                    return true;
                                }}};
}

void views_life::beat()
{
    const auto said = progress_.done();
    const auto purged = progress_.purged();
    const auto viewed = progress_.viewed();
    bool proven =
        views_sight_ && progress_.received() >= views_sight_->written && progress_.views_caught_up(views_sight_->seen);
    if (views_sight_ && without(left_out::catching_up_of_views)) proven = true;
    if (views_sight_ && without(left_out::claims_of_their_own))
        proven = progress_.received() >= views_sight_->written && progress_.caught_up(views_sight_->seen);
    const auto claim = proven ? views_claim_ : 0;
    beating_ = call{.what = written_under_its_epoch(
                        [=, purged_said = purged_said_, viewed_said = viewed_said_](model_redis_state& in) {
                            in.position = said;
                            if (purged >= purged_said) in.purged = purged;
                            if (viewed >= viewed_said) in.viewed = viewed;
                            if (claim != 0) in.views_claim = claim;
                        },
                        !without(left_out::epoch_of_positions)),
                    .position = said,
                    .claims = proven};
}

void views_life::beat_ends()
{
    const auto sent = *std::exchange(beating_, std::nullopt);
    const bool lost = !quiet_ && random_.chance(0.03);
    if (lost && random_.chance(0.5)) late_.push_back(sent.what);
    if (lost || !arrives(sent.what)) return die();
    if (sent.claims) {
        check_claim(views_claim_);
        views_sight_.reset();
    } else if (!views_sight_ && clock_ == 0) {
        clock_ = now_;
    }
    confirming_ = sent.position;
}

void views_life::keep_views()
{
    if (!round_) return begin_round();
    if (round_->writing) return round_ends();
    if (progress_.received() < round_->with.flushed && !without(left_out::stream_of_the_snapshot)) return;
    compute();
}

void views_life::begin_round()
{
    for (std::size_t view = 0; !fill_ && view < model_views; ++view) {
        if (!views_[view].wants_fill) continue;
        views_[view].wants_fill = false;
        fill_ = filling{.view = view, .rows = {}, .listed = database_.now()};
        for (std::size_t row = 0; row < model_database::rows; ++row)
            if (model_database::exists(row, fill_->listed[row])) fill_->rows.push_back(row);
        if (without(left_out::listing_after_attaching)) fill_->rows = *listed_before_;
    }
    const bool announced = std::ranges::any_of(views_, [](const auto& each) { return each.announced; });
    if (!fill_ && !announced && !progress_.views_wanted()) return;
    round_ = round{.with = database_.look()};
    if (!fill_) return;
    if (!fill_->rows.empty()) {
        round_->fill.push_back(fill_->rows.back());
        fill_->rows.pop_back();
    }
    round_->fills_last = fill_->rows.empty();
}

void views_life::compute()
{
    const auto batch = progress_.next_views(round_->with.seen);
    const auto from = without(left_out::one_snapshot) ? database_.now() : round_->with.now;
    const auto viewed = without(left_out::viewed_when_written) ? progress_.received() : batch.viewed;
    std::array<bool, model_database::rows> dirty{};
    for (const auto* const marks : batch.marks)
        for (const auto& each : *marks)
            for (std::size_t row = 0; row < model_database::rows; ++row)
                if (database_.at(std::stoul(each)).makes[row] != 0) dirty[row] = true;
    std::vector<script> parts;
    for (std::size_t view = 0; view < model_views; ++view) {
        auto rows = dirty;
        auto values = from;
        if (without(left_out::one_snapshot) && view != 0) values = round_->with.now;
        if (fill_ && fill_->view == view)
            for (const auto row : round_->fill) {
                rows[row] = true;
                if (without(left_out::recomputing_what_is_listed)) values[row] = fill_->listed[row];
            }
        const bool purges = !without(left_out::purges_of_entries);
        parts.push_back(written_under_its_epoch(
            [=, generation = views_[view].generation](model_redis_state& in) {
                std::vector<coherence::tag> tags;
                for (std::size_t row = 0; row < model_database::rows; ++row) {
                    if (!rows[row]) continue;
                    auto& all = in.generations[view];
                    if (!all.contains(generation)) all[generation].fill(-1);
                    all[generation][row] = values[row];
                    tags.push_back(view_entry_tag(view, row));
                }
                in.purge(purges ? tags : std::vector<coherence::tag>{});
            },
            !without(left_out::epoch_of_views)));
    }
    if (fill_ && (round_->fills_last || without(left_out::ready_with_the_last))) {
        auto& one = views_[fill_->view];
        if (!one.ready) one.announced = true;
        one.ready = true;
    }
    if (!without(left_out::one_script)) {
        auto whole = parts.front();
        for (std::size_t i = 1; i < parts.size(); ++i)
            whole.run = [first = std::move(whole.run), then = parts[i].run](model_redis_state& in) {
                return first(in) && then(in);
            };
        parts = {std::move(whole)};
    }
    auto& last = parts.back();
    add_directory(last);
    last.run = [run = std::move(last.run), viewed](model_redis_state& in) {
        if (!run(in)) return false;
        in.viewed = viewed;
        return true;
    };
    viewed_said_ = viewed;
    round_->writing = call{.what = std::move(parts.front())};
    parts.erase(parts.begin());
    round_->rest = std::move(parts);
}

void views_life::round_ends()
{
    const auto sent = *std::exchange(round_->writing, std::nullopt);
    const bool lost = !quiet_ && random_.chance(0.04);
    if (lost && random_.chance(0.5)) late_.push_back(sent.what);
    if (lost || !arrives(sent.what)) return die();
    if (!round_->rest.empty()) {
        round_->writing = call{.what = std::move(round_->rest.front())};
        round_->rest.erase(round_->rest.begin());
        return;
    }
    ++made_.rounds;
    progress_.views_written();
    if (fill_ && round_->fills_last) {
        ++made_.filled;
        fill_.reset();
    }
    round_.reset();
}

}  // namespace shoal::test
