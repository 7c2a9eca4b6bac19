#include "common/http/session.hpp"

#include <utility>

#include "common/http/core.hpp"
#include "common/log/log.hpp"

namespace shoal::http {

using namespace std::chrono_literals;

void session::begin_request()
{
    auto& request = reader_.request();
    // What was pipelined may have waited long for the answers before it.
    request.received = received_ = active_;
    if (reader_.facts().deadline) request.deadline = arrived_ + *reader_.facts().deadline;
    if (request.id.empty()) request.id = core_->make_id(made_id_);
    route_ = instruments::no_route;
    exchange_.reset();
    served_one_ = true;
    // Nothing is waited for; and the wait for the next request begins anew.
    enter(phase::handling, received_);
    core_->last_request = received_;
    ++unanswered_;
    ++core_->in_flight;
    core_->metrics.in_flight(1);
}

/// An answer where the request's work must not be begun.
std::optional<response> session::not_begun() const
{
    const auto& request = reader_.request();
    if (request.deadline && boot_clock::now() >= *request.deadline)
        return problem(504, "the request's deadline passed before its work was begun");
    return std::nullopt;
}

reply session::handle(const router& routes)
{
    auto& request = reader_.request();
    if (auto late = not_begun()) return *std::move(late);
    if (request.path == "*") return response{204};
    const auto match = routes.find(request);
    if (match.found == nullptr) return not_routed(match.allowed);
    route_ = static_cast<std::size_t>(match.found - routes.routes().data()) + 1;
    try {
        return match.found->handle(request);
    } catch (...) {
        return failed(std::current_exception());
    }
}

response session::not_routed(const std::string& allowed) const
{
    if (allowed.empty()) return problem(404, "nothing is served under this path");
    auto answer = problem(405, "this path is not served with this method; see Allow");
    answer.add("Allow", allowed);
    return answer;
}

response session::failed(const std::exception_ptr& failure)
{
    const auto& request = reader_.request();
    try {
        std::rethrow_exception(failure);
    } catch (const std::exception& error) {
        core_->log.error("a handler threw an exception",
                         {{"request_id", request.id}, {"path", request.path}, {"error", error.what()}});
    } catch (...) {
        core_->log.error("a handler threw something unknown", {{"request_id", request.id}, {"path", request.path}});
    }
    return problem(500, "the server failed; its log has this request's id");
}

/// Decides whether the connection goes on.
envelope session::envelope_at(boot_time now)
{
    const auto& request = reader_.request();
    const auto& facts = reader_.facts();
    closing_ = closing_ || !facts.keep_alive || core_->draining;
    return {.head_only = request.method == verb::head,
            .close = closing_,
            .http11 = facts.http11,
            .fixed_lines = core_->fixed_lines,
            .date = core_->date.at(now),
            .request_id = request.id,
            .total = now - received_,
            .timings = request.timings()};
}

void session::finish_request(const response& answer)
{
    const auto now = boot_clock::now();
    if (answer.closes() || must_leave_body()) closing_ = true;
    const auto around = envelope_at(now);
    if (!cut_) append_answer(out_.text(), answer, around);
    finished(answer.status(), now);
}

void session::finish_request(prepared&& answer)
{
    const auto now = boot_clock::now();
    if (must_leave_body()) closing_ = true;
    const auto around = envelope_at(now);
    if (!cut_) {
        append_head(out_.text(), answer, around);
        if (has_body(answer.status) && !around.head_only)
            out_.add(std::move(answer.owner), answer.body, answer.offset, answer.length);
    }
    finished(answer.status, now);
}

void session::finished(unsigned status, boot_time now)
{
    const auto total = now - received_;
    release(now);
    ++answers_out_;
    core_->metrics.answered(route_, status, std::chrono::duration<double>{total}.count());
    log_if_slow(status, total);
    active_ = now;
}

void session::log_if_slow(unsigned status, std::chrono::nanoseconds total)
{
    if (core_->slow == 0ns || total <= core_->slow) return;
    const auto& request = reader_.request();
    std::string parts;
    for (const auto& one : request.timings()) {
        if (!parts.empty()) parts += ", ";
        parts.append(one.name).append(" ");
        parts += std::to_string(std::chrono::duration<double, std::milli>{one.duration}.count());
    }
    core_->log.warning("slow request", {{"request_id", request.id},
                                        {"method", request.method_text},
                                        {"path", request.path},
                                        {"status", status},
                                        {"total_ms", std::chrono::duration<double, std::milli>{total}.count()},
                                        {"parts_ms", parts}});
}

void session::answer_refusal(const refusal& why)
{
    auto answer = problem(why.status, why.detail);
    if (why.status == 503) answer.add("Retry-After", "1");
    const auto& taken_over = reader_.request().id;
    const auto id = taken_over.empty() ? core_->make_id(made_id_) : taken_over;
    const auto now = boot_clock::now();
    closing_ = true;
    append_answer(out_.text(), answer,
                  {.close = true,
                   .fixed_lines = core_->fixed_lines,
                   .date = core_->date.at(now),
                   .request_id = id,
                   .total = now - received_,
                   .timings = {}});
    core_->metrics.rejected(why.reason);
    core_->log.debug("request refused", {{"request_id", id}, {"status", why.status}, {"detail", why.detail}});
}

}  // namespace shoal::http
