#include <algorithm>
#include <array>

#include "tests/unit/relay_progress/model_views_life.hpp"

namespace shoal::test {
namespace {

constexpr std::size_t rows = model_database::rows;

}  // namespace

void views_life::read()
{
    switch (random_.below(4)) {
    case 0: return read_page();
    case 1: return read_view();
    case 2: return ask_after();
    default: redis_.renew(worker_, now_);
    }
}

/// A cache asks the origin, which answers later, from the primary or from the standby.
void views_life::read_page()
{
    if (!worker_.joined()) return;
    if (pages_.empty() || pages_.back().fetched || random_.chance(0.3)) {
        pages_.push_back({.at = worker_.position(), .tag = random_.below(rows)});
        return;
    }
    auto& one = pages_.back();
    const bool elsewhere = replicas_ && random_.chance(0.5);
    if (elsewhere) ++made_.from_replica;
    one.version = (elsewhere ? database_.replica() : database_.now())[one.tag];
    one.fetched = true;
}

/// What a worker keeps of a view; a key that is not there is an answer only of a view that is ready.
void views_life::read_view()
{
    if (!worker_.joined()) return;
    const bool asked = !answers_.empty() && !answers_.back().fetched;
    if (!asked) {
        answers_.push_back({.at = worker_.position(), .tag = rows + random_.below(rows * model_views)});
        return;
    }
    auto& one = answers_.back();
    const auto view = one.tag / rows - 1;
    const auto* const counts = redis_.now().open(view);
    const bool is_of_its_epoch = counts != nullptr && redis_.now().epoch == one.at.epoch;
    if (is_of_its_epoch) one.version = redis_.now().read(view)[one.tag % rows];
    one.fetched = is_of_its_epoch && (one.version >= 0 || counts->ready);
    if (!one.fetched) answers_.pop_back();
}

bool views_life::current(const page& what) const
{
    const std::array<coherence::tag, 3> tags{
        what.tag, what.tag < rows ? everything_tag : whole_view_tag(what.tag / rows - 1), everything_tag};
    return what.fetched && worker_.judge(what.at, tags) == coherence::standing::current;
}

/// Of a row that is absent nothing says in which version it is: it may be any that there was none in.
bool views_life::is_older(std::size_t row, int version, int least) const
{
    if (version >= 0) return version < least;
    for (int each = least; each <= database_.now()[row]; ++each)
        if (!model_database::exists(row, each)) return false;
    return true;
}

/// Whoever has written asks for what is no older, by the position or by the token.
void views_life::ask_after()
{
    const auto& log = database_.log();
    if (log.empty() || !worker_.current(boot_time{std::chrono::nanoseconds{now_}})) return;
    const auto which = log[random_.below(log.size())];
    const auto& one = database_.at(which);
    if (one.is != model_database::state::visible) return;
    const bool by_token = random_.chance(0.5);
    if (by_token && !redis_.now().tokens.contains(which)) return;
    ++made_.asked_after;
    const bool early = without(left_out::applying_before_purged);
    const auto purged = early ? redis_.now().purged : worker_.purged();
    const auto viewed = early ? redis_.now().viewed : worker_.viewed();
    if (purged >= one.end || (by_token && without(left_out::applying_before_tokens)))
        for (const auto& each : pages_)
            if (current(each) && each.version < one.makes[each.tag]) ++made_.old_page;
    if (viewed < one.end) return;
    for (const auto& each : answers_)
        if (current(each) && one.makes[each.tag % rows] != 0 &&
            is_older(each.tag % rows, each.version, one.makes[each.tag % rows]))
            ++made_.old_view;
    if (redis_.now().epoch == worker_.position().epoch && !has(which)) ++made_.old_view;
}

/// Whether everybody who reads a view gets what the transaction made, or something newer.
bool views_life::has(std::size_t transaction) const
{
    const auto& makes = database_.at(transaction).makes;
    for (std::size_t view = 0; view < model_views; ++view) {
        const auto* const counts = redis_.now().open(view);
        if (counts == nullptr) continue;
        const auto entries = redis_.now().read(view);
        for (std::size_t row = 0; row < rows; ++row)
            if (makes[row] != 0 && (counts->ready || entries[row] >= 0) && is_older(row, entries[row], makes[row]))
                return false;
    }
    return true;
}

/// After each script.
void views_life::check()
{
    const auto& redis = redis_.now();
    std::array<model_redis_state::entries, model_views> entries{};
    for (std::size_t view = 0; view < model_views; ++view) {
        entries[view] = redis.read(view);
        for (std::size_t row = 0; row < rows; ++row) {
            if (entries[view][row] < 0) continue;
            if (entries[view][row] < newest_[view][row]) ++made_.went_back;
            newest_[view][row] = std::max(newest_[view][row], entries[view][row]);
        }
    }
    if (redis.attached != redis.epoch) return;
    for (const auto which : database_.log()) {
        const auto& one = database_.at(which);
        if (std::ranges::all_of(one.makes, [](int each) { return each == 0; })) continue;
        if (one.end <= redis.viewed && (one.is != model_database::state::visible || !has(which)))
            ++made_.viewed_falsely;
        // Not at once is what was committed asynchronously beside what was not.
        if (asynchronous_) continue;
        int with = 0;
        int older = 0;
        for (std::size_t view = 0; view < model_views; ++view)
            for (std::size_t row = 0; row < rows; ++row)
                if (one.makes[row] != 0 && entries[view][row] >= 0)
                    ++(entries[view][row] < one.makes[row] ? older : with);
        if (with != 0 && older != 0) ++made_.halves;
    }
}

void views_life::check_claim(std::uint64_t time)
{
    ++made_.claims;
    for (const auto which : database_.log()) {
        const auto& one = database_.at(which);
        if (one.is == model_database::state::visible && one.visible_at <= time && !has(which)) ++made_.claimed_falsely;
    }
}

/// When it has been quiet.
void views_life::check_end()
{
    const auto& now = database_.now();
    for (std::size_t view = 0; view < model_views; ++view) {
        const auto* const counts = redis_.now().open(view);
        if (counts == nullptr || !counts->ready) {
            ++made_.stuck;
            continue;
        }
        const auto entries = redis_.now().read(view);
        for (std::size_t row = 0; row < rows; ++row)
            if (entries[row] < 0 ? model_database::exists(row, now[row]) : entries[row] != now[row]) ++made_.differs;
    }
    for (const auto& each : pages_)
        if (current(each) && each.version < now[each.tag]) ++made_.kept_stale;
    for (const auto& each : answers_)
        if (current(each) && is_older(each.tag % rows, each.version, now[each.tag % rows])) ++made_.kept_stale;
}

}  // namespace shoal::test
