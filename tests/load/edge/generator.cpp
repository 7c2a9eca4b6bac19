#include "tests/load/edge/generator.hpp"

#include <utility>

namespace shoal::load {
namespace {

using namespace std::chrono_literals;
namespace asio = boost::asio;

/// How exact timeouts are.
constexpr auto tick_length = 10ms;
/// After so many arrivals that are late, answers are looked for.
constexpr int arrivals_at_once = 64;
constexpr std::size_t received_at_once = 65536;

interest interest_of(const options& asked, const checks& judge)
{
    const auto& mark = asked.checks.version_mark;
    interest wanted;
    wanted.owner_field = asked.owner_field;
    if (mark.ends_with(':')) wanted.version_field = mark.substr(0, mark.size() - 1);
    wanted.body = judge.wants_body();
    return wanted;
}

}  // namespace

generator::generator(asio::io_context& loop, const run_parts& parts)
    : parts_{parts},
      loop_{loop},
      interest_{interest_of(parts.asked, parts.checks)},
      due_{loop},
      tick_{loop},
      receive_buffer_(received_at_once, '\0')
{
}

generator::~generator()
{
    busy_.clear();
    idle_.clear();
    for (const auto& one : all_) one->close();
}

void generator::run(schedule when, std::function<void()> done)
{
    schedule_.emplace(std::move(when));
    done_ = std::move(done);
    arm();
    arm_tick();
}

void generator::run_closed(std::size_t step, std::chrono::nanoseconds end, std::function<void()> done)
{
    closed_step_ = step;
    closed_until_ = end;
    done_ = std::move(done);
    arm_tick();
}

void generator::arm()
{
    const auto next = schedule_->peek();
    if (!next) {
        schedule_.reset();
        return finish_if_done();
    }
    due_.expires_at(parts_.clock.at(next->at));
    due_.async_wait([this](const boost::system::error_code& error) {
        if (!error && schedule_) on_due();
    });
}

void generator::on_due()
{
    for (int i = 0; i < arrivals_at_once; ++i) {
        const auto next = schedule_->peek();
        const auto now = parts_.clock.now();
        if (!next || next->at > now) break;
        schedule_->advance();
        parts_.tally.add_lateness(next->step, now - next->at);
        dispatch(arrive(next->step, next->at));
    }
    arm();
}

pending generator::arrive(std::size_t step, std::chrono::nanoseconds at)
{
    return {.number = number_++, .step = step, .key = parts_.keys.next(), .intended = at};
}

void generator::arm_tick()
{
    tick_.expires_after(tick_length);
    tick_.async_wait([this](const boost::system::error_code& error) {
        if (!error && done_) on_tick();
    });
}

void generator::on_tick()
{
    const auto now = parts_.clock.now();
    expire(now);
    refill(now);
    finish_if_done();
    if (done_) arm_tick();
}

void generator::expire(std::chrono::nanoseconds now)
{
    const auto before = now - parts_.asked.timeout;
    while (!busy_.empty() && busy_.front().request->intended <= before) {
        connection& late = busy_.front();
        const pending request = *std::exchange(late.request, std::nullopt);
        settle(request, fate::timeout, {.sent = late.sent, .done = now});
        drop(late);
    }
    while (!waiting_.empty() && waiting_.front().intended <= before) {
        const pending request = waiting_.front();
        waiting_.pop_front();
        settle(request, fate::waited_too_long, {.done = now});
    }
    serve_waiting();
}

// A closed loop has so many requests under way. One that failed to connect is followed by the next only here, at the
// next tick: a server that is gone is not asked as fast as the processor can.
void generator::refill(std::chrono::nanoseconds now)
{
    if (!closed_until_ || now < 0ns) return;
    if (now >= *closed_until_) {
        closed_until_.reset();
        return;
    }
    while (busy_.size() + waiting_.size() < parts_.asked.closed) dispatch(arrive(closed_step_, now));
}

void generator::dispatch(const pending& request)
{
    if (!idle_.empty()) return give(idle_.front(), request);
    if (all_.size() < parts_.asked.connections) return open_for(request);
    if (waiting_.size() >= parts_.asked.waiting) return settle(request, fate::queue_full, {.done = parts_.clock.now()});
    waiting_.push_back(request);
}

void generator::open_for(const pending& request)
{
    connection_owner& self = *this;
    auto made = std::make_shared<connection>(loop_, self, interest_, receive_buffer_);
    made->slot = all_.size();
    made->request = request;
    all_.push_back(made);
    ++opened_;
    most_open_ = std::max(most_open_, all_.size());
    mark_busy(*made);
    made->connect(parts_.target);
}

void generator::give(connection& to, const pending& request)
{
    idle_.erase(idle_.iterator_to(to));
    to.idle = false;
    to.request = request;
    mark_busy(to);
    send(to);
}

// Requests come in the order of their times, but for those that are sent again.
void generator::mark_busy(connection& one)
{
    auto place = busy_.end();
    while (place != busy_.begin() && std::prev(place)->request->intended > one.request->intended) --place;
    busy_.insert(place, one);
}

void generator::send(connection& on)
{
    const pending& request = *on.request;
    parts_.requests.render({parts_.keys, request.key, request.number}, render_buffer_);
    on.newest_when_sent = parts_.checks.newest(request.key);
    on.sent = parts_.clock.now();
    on.send(render_buffer_, parts_.requests.is_head(parts_.requests.method_of(request.number)));
}

void generator::on_connected(connection& on)
{
    send(on);
}

void generator::on_answer(connection& on)
{
    const auto now = parts_.clock.now();
    const pending request = *std::exchange(on.request, std::nullopt);
    const auto& reader = on.reader();
    const auto worker = parts_.tally.worker_index(reader.owner());
    parts_.tally.add_received(on.take_received());
    const answer_view answer{.status = reader.status(),
                             .body = reader.body(),
                             .version_field = reader.version_field(),
                             .worker = worker,
                             .sent = on.sent,
                             .done = now};
    const fate how = parts_.checks.judge(answer, {parts_.keys, request.key, request.number}, on.newest_when_sent);
    settle(request, how, {.status = answer.status, .worker = worker, .sent = on.sent, .done = now});
    if (on.reusable() && parts_.asked.request.keep_alive)
        release(on);
    else
        drop(on);
    serve_waiting();
    refill(now);
    finish_if_done();
}

void generator::on_lost(connection& on, fate how, std::string_view detail)
{
    const auto request = std::exchange(on.request, std::nullopt);
    const bool again = request && !request->retried && may_retry(on, *request, how);
    const auto sent = on.sent;
    drop(on);
    if (again) {
        parts_.tally.add_retry();
        pending repeated = *request;
        repeated.retried = true;
        // The others that wait are idle connections' heirs as well: this one asks for a new connection.
        open_for(repeated);
    } else if (request) {
        settle(*request, how,
               {.sent = how == fate::connect_failed ? -1ns : sent, .done = parts_.clock.now(), .detail = detail});
    }
    serve_waiting();
    if (how != fate::connect_failed) refill(parts_.clock.now());
    finish_if_done();
}

// As browsers do: a connection that was kept, and that the server closed while the request was on its way.
bool generator::may_retry(const connection& on, const pending& of, fate how) const
{
    const bool was_kept = on.answered() > 0 && !on.reader().begun();
    return parts_.asked.retry && was_kept && (how == fate::reset || how == fate::closed_early) &&
           parts_.requests.is_idempotent(parts_.requests.method_of(of.number));
}

void generator::release(connection& one)
{
    busy_.erase(busy_.iterator_to(one));
    idle_.push_front(one);
    one.idle = true;
}

void generator::drop(connection& one)
{
    connections& list = one.idle ? idle_ : busy_;
    list.erase(list.iterator_to(one));
    one.close();
    all_.back()->slot = one.slot;
    std::swap(all_[one.slot], all_.back());
    all_.pop_back();
}

void generator::serve_waiting()
{
    while (!waiting_.empty() && (!idle_.empty() || all_.size() < parts_.asked.connections)) {
        const pending next = waiting_.front();
        waiting_.pop_front();
        dispatch(next);
    }
}

void generator::settle(const pending& request, fate how, outcome what)
{
    what.number = request.number;
    what.step = request.step;
    what.key = request.key;
    what.how = how;
    what.intended = request.intended;
    parts_.tally.add(what);
    if (parts_.record != nullptr)
        parts_.record->add(what, parts_.requests.method(parts_.requests.method_of(request.number)),
                           parts_.keys.text(request.key), parts_.tally.workers()[what.worker]);
}

void generator::stop()
{
    const auto now = parts_.clock.now();
    schedule_.reset();
    closed_until_.reset();
    for (const pending& request : std::exchange(waiting_, {})) settle(request, fate::stopped_unsent, {.done = now});
    while (!busy_.empty()) {
        connection& one = busy_.front();
        const pending request = *std::exchange(one.request, std::nullopt);
        settle(request, fate::stopped, {.sent = one.sent, .done = now});
        drop(one);
    }
    finish_if_done();
}

void generator::finish_if_done()
{
    if (!done_ || schedule_ || closed_until_ || !busy_.empty() || !waiting_.empty()) return;
    due_.cancel();
    tick_.cancel();
    std::exchange(done_, nullptr)();
}

}  // namespace shoal::load
