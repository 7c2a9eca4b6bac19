#include "common/metrics/metrics.hpp"

#include <catch2/catch.hpp>

#include <cmath>
#include <limits>
#include <stdexcept>

using namespace shoal::metrics;
using Catch::Matchers::Contains;

TEST_CASE("metrics: a counter, a gauge and a computed gauge are rendered with help, type and labels", "[metrics]")
{
    registry all;
    all.add_counter("shoal_requests_total", "Requests answered.", {{"code", "200"}, {"method", "GET"}}).add(3);
    all.add_gauge("shoal_connections", "Connections open.").set(2.5);
    double depth = 1;
    all.add_gauge("shoal_queue", "Commands waiting.", {}, [&depth] { return depth; });
    depth = 7;

    CHECK(all.render() ==
          "# HELP shoal_connections Connections open.\n"
          "# TYPE shoal_connections gauge\n"
          "shoal_connections 2.5\n"
          "# HELP shoal_queue Commands waiting.\n"
          "# TYPE shoal_queue gauge\n"
          "shoal_queue 7\n"
          "# HELP shoal_requests_total Requests answered.\n"
          "# TYPE shoal_requests_total counter\n"
          "shoal_requests_total{code=\"200\",method=\"GET\"} 3\n");
}

TEST_CASE("metrics: the series of one family stand together under one heading", "[metrics]")
{
    registry all;
    all.add_counter("a_total", "A.", {{"code", "200"}}).add();
    all.add_counter("b_total", "B.").add();
    all.add_counter("a_total", "A.", {{"code", "500"}}).add(2);
    CHECK(all.render() ==
          "# HELP a_total A.\n# TYPE a_total counter\na_total{code=\"200\"} 1\na_total{code=\"500\"} 2\n"
          "# HELP b_total B.\n# TYPE b_total counter\nb_total 1\n");
}

TEST_CASE("metrics: label values are escaped", "[metrics]")
{
    registry all;
    all.add_gauge("a", "A.", {{"path", "q\"b\\n\n"}}).set(1);
    CHECK_THAT(all.render(), Contains("a{path=\"q\\\"b\\\\n\\n\"} 1\n"));
}

TEST_CASE("metrics: a bucket holds what is at most its bound, and is cumulative when rendered", "[metrics]")
{
    registry all;
    histogram& times = all.add_histogram("t_seconds", "T.", {0.5, 1, 2});
    for (const double value : {0.25, 0.5, 0.75, 1.0, 2.0, 3.0}) times.observe(value);
    CHECK(times.counts() == std::vector<std::uint64_t>{2, 2, 1, 1});
    CHECK(all.render() ==
          "# HELP t_seconds T.\n# TYPE t_seconds histogram\n"
          "t_seconds_count 6\nt_seconds_sum 7.5\n"
          "t_seconds_bucket{le=\"0.5\"} 2\nt_seconds_bucket{le=\"1\"} 4\nt_seconds_bucket{le=\"2\"} 5\n"
          "t_seconds_bucket{le=\"+Inf\"} 6\n");
}

TEST_CASE("metrics: what is no number is not observed, infinity is above every bound", "[metrics]")
{
    histogram one{{1}};
    one.observe(std::nan(""));
    CHECK(one.counts() == std::vector<std::uint64_t>{0, 0});
    CHECK(one.sum() == 0);
    one.observe(std::numeric_limits<double>::infinity());
    CHECK(one.counts() == std::vector<std::uint64_t>{0, 1});
}

TEST_CASE("metrics: bounds that do not ascend or are not finite are refused", "[metrics]")
{
    CHECK_THROWS_AS(histogram({1, 1}), std::invalid_argument);
    CHECK_THROWS_AS(histogram({2, 1}), std::invalid_argument);
    CHECK_THROWS_AS(histogram({1, std::numeric_limits<double>::infinity()}), std::invalid_argument);
    CHECK_NOTHROW(histogram(latency_bounds()));
    CHECK(latency_bounds().front() == 50e-6);
    CHECK(latency_bounds().back() == 5);
}

TEST_CASE("metrics: asking again gives the same metric, and references stay valid", "[metrics]")
{
    registry all;
    counter& first = all.add_counter("a_total", "A.", {{"n", "0"}});
    for (int i = 1; i < 1000; ++i) (void)all.add_counter("a_total", "A.", {{"n", std::to_string(i)}});
    first.add();
    CHECK(&all.add_counter("a_total", "A.", {{"n", "0"}}) == &first);
    CHECK_THAT(all.render(), Contains("a_total{n=\"0\"} 1\n"));
    CHECK(&all.add_gauge("g", "G.") == &all.add_gauge("g", "G."));
}

TEST_CASE("metrics: one name has one kind, one set of bounds, one way to be read", "[metrics]")
{
    registry all;
    (void)all.add_gauge("g", "G.");
    CHECK_THROWS_AS(all.add_histogram("g", "G.", {1}), std::logic_error);
    CHECK_THROWS_AS(all.add_gauge("g", "G.", {}, [] { return 1.0; }), std::logic_error);
    (void)all.add_histogram("h", "H.", {1});
    CHECK_NOTHROW(all.add_histogram("h", "H.", {1}));
    CHECK_THROWS_AS(all.add_histogram("h", "H.", {2}), std::logic_error);
    all.add_gauge("f", "F.", {}, [] { return 1.0; });
    CHECK_THROWS_AS(all.add_gauge("f", "F.", {}, [] { return 2.0; }), std::logic_error);
}

TEST_CASE("metrics: names keep to Prometheus' conventions", "[metrics]")
{
    registry all;
    CHECK_THROWS_AS(all.add_counter("requests", "R."), std::invalid_argument);
    for (const char* bad : {"", "1a", "a-b", "a b", "a.b"})
        CHECK_THROWS_AS(all.add_gauge(bad, "B."), std::invalid_argument);
    for (const char* bad : {"", "1a", "a:b", "__name__", "le"})
        CHECK_THROWS_AS(all.add_gauge("g", "G.", {{bad, "x"}}), std::invalid_argument);
    CHECK(all.render().empty());
}

TEST_CASE("metrics: large counts keep their digits up to 2^53", "[metrics]")
{
    registry all;
    all.add_counter("a_total", "A.").add(9007199254740991U);
    CHECK_THAT(all.render(), Contains("a_total 9007199254740991\n"));
}
