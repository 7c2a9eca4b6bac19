#include "services/cache/handlers/fill.hpp"

#include "services/cache/memory/pieces.hpp"

#include <algorithm>
#include <utility>

#include <boost/asio/steady_timer.hpp>

namespace shoal::cache {
namespace {

namespace asio = boost::asio;

/// How much of what is not kept waits for the slowest reader.
constexpr std::uint64_t window = 256 * 1024;

}  // namespace

fill::reader::reader(fill& of) : of_{of}
{
    of.readers_.push_back(*this);
}

fill::reader::~reader()
{
    unlink();
    of_.drop_read();
    of_.taken_.notify();
}

shared_bytes fill::reader::next()
{
    const auto& all = of_.pieces_;
    auto at = piece_ - of_.dropped_;
    if (at + 1 < all.size() && has_all_of(all[at])) {
        ++at;
        ++piece_;
        read_ = 0;
    }
    if (at >= all.size() || has_all_of(all[at])) return {};
    auto piece = all[at];
    piece.view.remove_prefix(read_);
    read_ += piece.view.size();
    of_.drop_read();
    of_.taken_.notify();
    return piece;
}

bool fill::reader::at_end() const noexcept
{
    if (of_.phase_ != phase::complete) return false;
    const auto left = of_.dropped_ + of_.pieces_.size() - piece_;
    return left == 0 || (left == 1 && has_all_of(of_.pieces_.back()));
}

fill::fill(const boost::asio::any_io_executor& on, std::string key, stored_ptr validates, protocol::forward_reason why)
    : key_{std::move(key)}, validates_{std::move(validates)}, why_{why}, changed_{on}, taken_{on}
{
}

asio::awaitable<void> fill::changed(boot_time until)
{
    if (until == boot_time::max()) co_return co_await changed_.wait();
    asio::steady_timer alarm{changed_.executor()};
    alarm.expires_after(until - boot_clock::now());
    alarm.async_wait([kept = fill_ptr{this}](const boost::system::error_code& cancelled) {
        if (!cancelled) kept->changed_.notify();
    });
    co_await changed_.wait();
}

void fill::mark_sent(stamp since, boot_time at)
{
    since_ = since;
    sent_ = at;
}

void fill::mark_older(stamp since)
{
    mark_sent(since, boot_time::min());
    older_ = true;
}

void fill::interim(unsigned status, std::string_view lines)
{
    interims_.emplace_back(status, lines);
    changed_.notify();
}

void fill::begin(filled_head head)
{
    head_ = std::move(head);
    phase_ = phase::flowing;
    changed_.notify();
}

asio::awaitable<bool> fill::add(shared_bytes piece)
{
    received_ += piece.view.size();
    held_ += piece.view.size();
    if (pieces_.empty() || !join(pieces_.back(), piece)) {
        held_ += piece_overhead;
        pieces_.push_back(std::move(piece));
    }
    changed_.notify();
    while (!keeping_) {
        if (readers_.empty()) {
            drop_read();
            co_return false;
        }
        if (held_ <= window) break;
        co_await taken_.wait();
    }
    co_return true;
}

void fill::stop_keeping()
{
    keeping_ = false;
    drop_read();
}

void fill::let_go()
{
    let_go_ = true;
    drop_read();
}

void fill::drop_read()
{
    if (keeping_ && !let_go_) return;
    const auto had = [this](const reader& one) { return one.has_all_of(pieces_.front()) || one.piece_ > dropped_; };
    for (; !pieces_.empty() && std::ranges::all_of(readers_, had); ++dropped_) {
        for (auto& one : readers_) {
            if (one.piece_ > dropped_) continue;
            one.piece_ = dropped_ + 1;
            one.read_ = 0;
        }
        held_ -= pieces_.front().view.size() + piece_overhead;
        pieces_.pop_front();
    }
}

void fill::complete(stored_ptr outcome, answered how, std::string trailers)
{
    outcome_ = std::move(outcome);
    how_ = how;
    trailers_ = std::move(trailers);
    phase_ = phase::complete;
    changed_.notify();
}

void fill::fail(boost::system::error_code why)
{
    error_ = why;
    phase_ = phase::failed;
    changed_.notify();
}

}  // namespace shoal::cache
