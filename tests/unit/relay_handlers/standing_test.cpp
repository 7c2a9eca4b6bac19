#include "services/relay/handlers/standing.hpp"

#include <catch2/catch.hpp>

#include <chrono>

using namespace shoal;
using namespace shoal::relay;
using namespace std::chrono_literals;

TEST_CASE("standing: everybody is told the role and the lag, and only operators about the database", "[relay]")
{
    const auto now = boot_clock::now();
    standing of;
    of.as = role::active;
    of.why = "connecting: db.example";
    of.source = "7/1/shop";
    of.current_at = now - 42ms;
    CHECK(to_public_json(of, now) == nlohmann::json{{"role", "active"}, {"lag_ms", 42}});
    const auto all = to_json(of, now);
    CHECK(all["why"] == "connecting: db.example");
    CHECK(all["source"] == "7/1/shop");
    CHECK(all["lag_ms"] == 42);
    CHECK(all["received"] == "0/0");
}

TEST_CASE("standing: without a claim there is no lag", "[relay]")
{
    const auto now = boot_clock::now();
    CHECK(to_public_json({}, now) == nlohmann::json{{"role", "disconnected"}});
}

TEST_CASE("standing: a reason that is no UTF-8 is told all the same", "[relay]")
{
    standing of;
    of.why = "r\xf4le inconnu \xe2\x82";
    const auto text = as_text(to_json(of, boot_clock::now()));
    CHECK(nlohmann::json::parse(text)["why"] == "r\uFFFDle inconnu \uFFFD");
}
