#include "tests/load/domain/keys.hpp"

#include <catch2/catch.hpp>

#include <cmath>
#include <sstream>

#include "tests/load/domain/access_log.hpp"
#include "tests/load/domain/bad_input.hpp"

using namespace shoal::load;
using Catch::Matchers::Contains;

namespace {

constexpr std::uint64_t seed = 4711;

std::vector<std::uint32_t> draw(const std::string& choice, int count, std::uint64_t with_seed = seed)
{
    keys from{parse_keys(choice), with_seed};
    std::vector<std::uint32_t> drawn;
    for (int i = 0; i < count; ++i) drawn.push_back(from.next());
    return drawn;
}

std::vector<std::string> read(const std::string& choice, const std::string& content, int count)
{
    std::istringstream lines{content};
    keys from{parse_keys(choice), lines};
    std::vector<std::string> texts;
    for (int i = 0; i < count; ++i) texts.push_back(from.text(from.next()));
    return texts;
}

std::string encoded(const std::string& choice, const std::string& content)
{
    std::istringstream lines{content};
    keys from{parse_keys(choice), lines};
    std::string text;
    from.append_encoded(from.next(), text);
    return text;
}

/// Pearson's, divided by the degrees of freedom: near 1 when the counts are as they should be.
double chi_squared(const std::vector<std::uint32_t>& drawn, const std::vector<double>& shares)
{
    std::vector<double> seen(shares.size());
    for (const auto key : drawn) ++seen[key];
    double sum = 0;
    for (std::size_t i = 0; i < shares.size(); ++i) {
        const double wanted = shares[i] * static_cast<double>(drawn.size());
        sum += (seen[i] - wanted) * (seen[i] - wanted) / wanted;
    }
    return sum / static_cast<double>(shares.size() - 1);
}

std::vector<double> zipf_shares(std::size_t count, double exponent)
{
    std::vector<double> shares;
    double sum = 0;
    for (std::size_t rank = 1; rank <= count; ++rank) sum += shares.emplace_back(std::pow(rank, -exponent));
    for (double& share : shares) share /= sum;
    return shares;
}

}  // namespace

TEST_CASE("keys: popularity is that of Zipf, for exponents on both sides of 1 and at it", "[load]")
{
    for (const double exponent : {0.0, 0.5, 0.9, 1.0, 1.2, 2.0}) {
        INFO("exponent " << exponent << ", seed " << seed);
        const auto drawn = draw("zipf:200:" + std::to_string(exponent), 200'000);
        // 199 degrees of freedom: a deviation of 0.5 is five standard deviations.
        CHECK(chi_squared(drawn, zipf_shares(200, exponent)) == Approx(1).margin(0.5));
    }
}

TEST_CASE("keys: Zipf is right over millions of keys", "[load]")
{
    const auto drawn = draw("zipf:10000000:0.99", 200'000);
    const auto shares = zipf_shares(10'000'000, 0.99);
    double head = 0;
    for (int i = 0; i < 1000; ++i) head += shares[static_cast<std::size_t>(i)];
    const auto seen = std::count_if(drawn.begin(), drawn.end(), [](auto key) { return key < 1000; });
    CHECK(static_cast<double>(seen) / 200'000 == Approx(head).margin(0.006));
    CHECK(*std::max_element(drawn.begin(), drawn.end()) < 10'000'000);
}

TEST_CASE("keys: uniform ones are equally likely", "[load]")
{
    CHECK(chi_squared(draw("uniform:200", 200'000), std::vector<double>(200, 1.0 / 200)) == Approx(1).margin(0.5));
    CHECK(draw("uniform:1", 3) == std::vector<std::uint32_t>{0, 0, 0});
    CHECK(draw("zipf:1", 3) == std::vector<std::uint32_t>{0, 0, 0});
}

TEST_CASE("keys: the same seed gives the same keys, another one others", "[load]")
{
    for (const auto* const choice : {"uniform:1000", "zipf:1000"}) {
        CHECK(draw(choice, 100, 1) == draw(choice, 100, 1));
        CHECK(draw(choice, 100, 1) != draw(choice, 100, 2));
    }
}

TEST_CASE("keys: those of a file come in its order, and again from its beginning", "[load]")
{
    CHECK(read("file:x", "b\n\na\r\nb\nc d", 5) == std::vector<std::string>{"b", "a", "b", "c d", "b"});
    CHECK(encoded("file:x", "a/b c%\xc3\xa9~\n") == "a%2Fb%20c%25%C3%A9~");
    CHECK_THROWS_WITH(read("file:x", "a\nb\x01\n", 1), Contains("line 2"));
    CHECK_THROWS_WITH(read("file:names", "\n\n", 1), Contains("names has no key"));
}

TEST_CASE("keys: of an access log its GETs and HEADs are asked for as they were", "[load]")
{
    const std::string log =
        "127.0.0.1 - - [17/May/2015:10:05:03 +0000] \"GET /a%20b?c=d HTTP/1.1\" 200 5 \"-\" \"agent\"\n"
        "not a line of a log\n"
        "::1 - bob [17/May/2015:10:05:03 +0000] \"POST /form HTTP/1.1\" 200 5\n"
        "10.0.0.1 - - [17/May/2015:10:05:04 +0000] \"HEAD /b HTTP/1.0\" 200 - \"-\" \"agent\"\n";
    CHECK(read("log:x", log, 3) == std::vector<std::string>{"/a%20b?c=d", "/b", "/a%20b?c=d"});
    CHECK(read("log-address:x", log, 2) == std::vector<std::string>{"127.0.0.1", "10.0.0.1"});
    CHECK(encoded("log:x", log) == "/a%20b?c=d");
    std::istringstream lines{log};
    const keys from{parse_keys("log:x"), lines};
    CHECK(from.skipped() == 2);
    CHECK(from.size() == 2);
    CHECK_THROWS_WITH(read("log:x", "nothing\n", 1), Contains("access logs"));
}

TEST_CASE("access log: what could break a request out of its line is no line of a log", "[load]")
{
    CHECK_FALSE(parse_log_line("a - - [t] \"GET /\x01 HTTP/1.1\" 200 5"));
    CHECK_FALSE(parse_log_line("a - - [t] \"GET /a b HTTP/1.1\" 200 5"));
    CHECK_FALSE(parse_log_line("a - - [t] \"GET\" 400 0"));
    CHECK_FALSE(parse_log_line("a - - [t] \"\\x16\\x03\" 400 0"));
    CHECK_FALSE(parse_log_line(""));
    const auto line = parse_log_line("a b c [t] \"GET / HTTP/1.1\" 200 5");
    REQUIRE(line);
    CHECK(line->address == "a");
    CHECK(line->target == "/");
}

TEST_CASE("keys: a choice that means nothing says what is allowed", "[load]")
{
    for (const auto* const wrong :
         {"", "zipf", "zipf:", "other:1", "zipf:0", "zipf:10000001", "uniform:1x", "uniform:10:1"})
        CHECK_THROWS_AS(parse_keys(wrong), bad_input);
    CHECK_THROWS_WITH(parse_keys("zipf:10:nan"), Contains("exponent"));
    CHECK_THROWS_WITH(parse_keys("zipf:10:-1"), Contains("from 0 to 10"));
    CHECK(parse_keys("zipf:10").exponent == 0.99);
    CHECK(parse_keys("log:/var/log/a:b").path == "/var/log/a:b");
}
