#include "common/redis/handshake.hpp"

#include "common/redis/client.hpp"

#include <catch2/catch.hpp>

using namespace shoal::redis;

TEST_CASE("handshake: a field of INFO is found by its whole name", "[redis]")
{
    const std::string_view info =
        "# Server\r\nredis_version:7.0.15\r\nother_run_id:b\r\nrun_id:abc\r\nempty:\r\nlast:1";
    CHECK(info_field(info, "run_id") == "abc");
    CHECK(info_field(info, "last") == "1");
    CHECK(info_field(info, "empty").empty());
    CHECK(info_field(info, "run").empty());
    CHECK(info_field("", "run_id").empty());
}

TEST_CASE("handshake: the epoch says whether the data is the same, the run id whether the process is", "[redis]")
{
    const identity before{"run", "epoch"};
    CHECK(compare(before, before) == std::nullopt);
    CHECK(compare(before, {"other", "epoch"}) == data_event::restarted);
    CHECK(compare(before, {"run", "other"}) == data_event::lost);
    CHECK(compare(before, {"other", "other"}) == data_event::lost);
}
