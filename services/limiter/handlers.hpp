#pragma once
// The limiter over HTTP: parameters in, a decision of the store, a verdict out. One handlers_*.cpp for each subject.

#include <memory>
#include <optional>
#include <string_view>

#include "common/worker/service.hpp"
#include "services/limiter/batch.hpp"
#include "services/limiter/check.hpp"
#include "services/limiter/handlers_book.hpp"
#include "services/limiter/handlers_referee.hpp"
#include "services/limiter/store.hpp"

namespace shoal::limiter {

class handlers final : public worker::service {
public:
    [[nodiscard]] std::string_view name() const noexcept override { return "limiter"; }
    [[nodiscard]] std::function<void()> read(config::object& section, const worker::facts& known) override;
    [[nodiscard]] nlohmann::json effective() const override;
    [[nodiscard]] std::vector<http::route> start(const worker::context& from) override;
    [[nodiscard]] std::vector<http::route> admin_routes() override;
    [[nodiscard]] boost::asio::awaitable<void> drain() override;

    /// What start() returns; may be asked for by itself, to see what there is.
    [[nodiscard]] std::vector<http::route> routes();

private:
    using request = http::request;
    using later = boost::asio::awaitable<http::response>;
    using pending = boost::asio::awaitable<result<outcome>>;

    /// What a request is about. It holds the rules, which a reload may replace while Redis is asked.
    struct subject {
        std::shared_ptr<const rule_book> book;
        const listed_rule* rule = nullptr;
        key_text key;
        std::int64_t cost = 1;
    };
    struct batch_subject;

    void apply(rules in_force, std::int64_t workers);
    void watch_redis(const worker::context& from);

    [[nodiscard]] http::reply list_rules() const;
    [[nodiscard]] http::reply list_refused(const request& of) const;

    /// Of /v1/limits/{rule}/{key}…
    [[nodiscard]] parsed<subject> subject_of(const request& of) const;
    /// As well with the cost, for a rule that takes.
    [[nodiscard]] parsed<subject> charge_of(const request& of) const;

    [[nodiscard]] http::reply take(request& of);
    [[nodiscard]] http::reply take_once(subject of, std::string_view idempotency_key, request& from);
    [[nodiscard]] http::reply peek(request& of);
    [[nodiscard]] http::reply refund(request& of);
    [[nodiscard]] http::reply forget(request& of);
    [[nodiscard]] http::reply check(request& of);
    [[nodiscard]] http::reply batch(request& of);
    [[nodiscard]] http::reply acquire(request& of);
    [[nodiscard]] http::reply renew(request& of);
    [[nodiscard]] http::reply release(request& of);

    [[nodiscard]] http::reply decide(subject of, statuses as, request& from);
    [[nodiscard]] http::response tell(const subject& of, const outcome& made, statuses as);
    [[nodiscard]] http::response tell(const subject& of, const result<outcome>& made, statuses as);

    [[nodiscard]] later await_take(subject of, pending made, statuses as, request& from);
    [[nodiscard]] later await_take_once(subject of, std::string_view idempotency_key, request& from);
    [[nodiscard]] later await_peek(subject of, request& from);
    [[nodiscard]] later await_refund(subject of, request& from);
    [[nodiscard]] later await_forget(subject of, request& from);

    [[nodiscard]] parsed<batch_subject> batch_of(const request& from) const;
    [[nodiscard]] http::reply take_each(batch_subject of, request& from);
    [[nodiscard]] later await_each(batch_subject of, pending first, request& from);
    [[nodiscard]] later await_all_or_nothing(batch_subject of, request& from);
    [[nodiscard]] boost::asio::awaitable<void> give_back(batch_subject& of);
    void note(batch_subject& of, const result<outcome>& made);
    [[nodiscard]] http::response tell_each(batch_subject of);
    [[nodiscard]] http::response tell_all(batch_subject of);

    [[nodiscard]] parsed<subject> slot_subject_of(const request& of) const;
    [[nodiscard]] later await_acquire(subject of, std::int64_t ttl_ms, request& from);
    [[nodiscard]] later await_renew(subject of, std::int64_t ttl_ms, request& from);
    [[nodiscard]] later await_release(subject of, request& from);

    /// Until start(), which has the metrics that a book needs.
    rules first_rules_{};
    /// As JSON; shown, and no more.
    nlohmann::json shown_;
    std::shared_ptr<const rule_book> book_;
    metrics::registry* metrics_ = nullptr;
    std::optional<store> store_;
    referee referee_;
};

}  // namespace shoal::limiter
