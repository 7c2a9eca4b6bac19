#pragma once
// Sends what is due when it is due, on as many connections as that needs, and learns the fate of each request.

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/intrusive/list.hpp>

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/load/domain/options.hpp"
#include "tests/load/domain/tally.hpp"
#include "tests/load/edge/clock.hpp"
#include "tests/load/edge/connection.hpp"
#include "tests/load/edge/recorder.hpp"

namespace shoal::load {

/// What a run is made of; all of it outlives the generator.
struct run_parts {
    const options& asked;
    const run_clock& clock;
    const request_template& requests;
    load::keys& keys;
    load::checks& checks;
    load::tally& tally;
    /// May be null.
    recorder* record;
    endpoint target;
};

class generator : private connection_owner {
public:
    generator(boost::asio::io_context& loop, const run_parts& parts);
    ~generator() override;
    generator(const generator&) = delete;
    generator& operator=(const generator&) = delete;

    /// Open loop. `done` is called when every arrival has its fate; then another may begin.
    void run(schedule when, std::function<void()> done);
    /// Closed loop, until `end`.
    void run_closed(std::size_t step, std::chrono::nanoseconds end, std::function<void()> done);
    /// Gives every request that is under way the fate `stopped`; `done` is called.
    void stop();

    [[nodiscard]] std::size_t in_flight() const noexcept { return busy_.size(); }
    [[nodiscard]] std::size_t waiting() const noexcept { return waiting_.size(); }
    [[nodiscard]] std::uint64_t opened() const noexcept { return opened_; }
    [[nodiscard]] std::size_t most_open() const noexcept { return most_open_; }

private:
    using connections = boost::intrusive::list<connection>;

    void on_connected(connection& on) override;
    void on_answer(connection& on) override;
    void on_lost(connection& on, fate how, std::string_view detail) override;

    void arm();
    void on_due();
    void arm_tick();
    void on_tick();
    void expire(std::chrono::nanoseconds now);
    void refill(std::chrono::nanoseconds now);
    [[nodiscard]] pending arrive(std::size_t step, std::chrono::nanoseconds at);

    void dispatch(const pending& request);
    void open_for(const pending& request);
    void give(connection& to, const pending& request);
    void send(connection& on);
    void mark_busy(connection& one);
    void release(connection& one);
    void drop(connection& one);
    void serve_waiting();
    [[nodiscard]] bool may_retry(const connection& on, const pending& of, fate how) const;

    void settle(const pending& request, fate how, outcome what);
    void finish_if_done();

    run_parts parts_;
    boost::asio::io_context& loop_;
    interest interest_;
    boost::asio::steady_timer due_;
    boost::asio::steady_timer tick_;
    std::string receive_buffer_;
    std::string render_buffer_;

    /// Every one is in exactly one of the two lists; those that connect are busy. The busy ones stand in the order of
    /// their requests' intended times, so that the first to be late is the first.
    std::vector<std::shared_ptr<connection>> all_;
    connections busy_;
    connections idle_;
    std::deque<pending> waiting_;

    std::optional<schedule> schedule_;
    std::optional<std::chrono::nanoseconds> closed_until_;
    std::size_t closed_step_ = 0;
    std::function<void()> done_;
    std::uint64_t number_ = 0;
    std::uint64_t opened_ = 0;
    std::size_t most_open_ = 0;
};

}  // namespace shoal::load
