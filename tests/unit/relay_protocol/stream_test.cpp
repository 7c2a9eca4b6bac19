// What replication sends within CopyData, and the status that is sent back.

#include "services/relay/protocol/stream.hpp"

#include <random>
#include <string>

#include <catch2/catch.hpp>

#include "tests/unit/relay_protocol/encoder.hpp"

using namespace shoal;
using namespace shoal::relay;

namespace {

const std::string keepalive_bytes = encoder{'k'}.int64(0x16'B374'D848).int64(123).int8(1).done();
const std::string data_bytes = encoder{'w'}.int64(0x16'B374'D848).int64(0x16'B374'D900).int64(123).done();

bool is_refused(const std::string& bytes)
{
    const auto made = read_stream(bytes);
    return made.has_error() && made.error() == errc::database_malformed;
}

}  // namespace

TEST_CASE("replication stream: log data has two positions, a time, and the rest as its payload", "[relay]")
{
    const auto bytes = data_bytes + "payload";
    const auto made = read_stream(bytes);
    REQUIRE(made.has_value());
    REQUIRE(std::holds_alternative<log_data>(*made));
    const auto& data = std::get<log_data>(*made);
    CHECK(data.start == 0x16'B374'D848);
    CHECK(data.end == 0x16'B374'D900);
    CHECK(data.sent_at == 123);
    CHECK(data.payload == "payload");
    CHECK(data.payload.data() == bytes.data() + data_bytes.size());
}

TEST_CASE("replication stream: log data may have an empty payload", "[relay]")
{
    const auto made = read_stream(data_bytes);
    REQUIRE(made.has_value());
    CHECK(std::get<log_data>(*made).payload.empty());
}

TEST_CASE("replication stream: a keepalive has a position, a time, and whether it wants an answer", "[relay]")
{
    const auto made = read_stream(keepalive_bytes);
    REQUIRE(made.has_value());
    REQUIRE(std::holds_alternative<keepalive>(*made));
    const auto& alive = std::get<keepalive>(*made);
    CHECK(alive.end == 0x16'B374'D848);
    CHECK(alive.sent_at == 123);
    CHECK(alive.reply_requested);

    const auto calm = read_stream(encoder{'k'}.int64(1).number(std::int64_t{-2}).int8(0).done());
    REQUIRE(calm.has_value());
    CHECK(std::get<keepalive>(*calm).sent_at == -2);
    CHECK_FALSE(std::get<keepalive>(*calm).reply_requested);
}

TEST_CASE("replication stream: what is too short, too long or unknown is an error", "[relay]")
{
    for (const auto& bytes : {keepalive_bytes, data_bytes})
        for (std::size_t size = 0; size < bytes.size(); ++size) CHECK(is_refused(bytes.substr(0, size)));
    CHECK(is_refused(keepalive_bytes + '\0'));
    CHECK(is_refused(encoder{'k'}.int64(1).int64(2).int8(2).done()));
    CHECK(is_refused(encoder{'W'}.int64(1).int64(2).int64(3).done()));
    CHECK(is_refused(encoder{'r'}.int64(1).int64(2).int64(3).int64(4).int8(0).done()));
}

TEST_CASE("replication stream: any bytes are refused or read", "[relay]")
{
    const auto seed = std::random_device{}();
    CAPTURE(seed);
    std::mt19937 random{seed};
    for (int round = 0; round < 10'000; ++round) {
        auto bytes = random() % 2 == 0 ? keepalive_bytes : data_bytes;
        bytes.resize(random() % 40);
        if (!bytes.empty()) bytes[random() % bytes.size()] = static_cast<char>(random());
        const auto made = read_stream(bytes);
        if (made.has_error()) REQUIRE(made.error() == errc::database_malformed);
    }
}

TEST_CASE("replication stream: a status has three positions, the time and whether an answer is wanted", "[relay]")
{
    const auto made = status_update(0x16'B374'D848, 0x16'B374'D800, 1, 123, true);
    CHECK(made.size() == 34);
    CHECK(made == encoder{'r'}.int64(0x16'B374'D848).int64(0x16'B374'D800).int64(1).int64(123).int8(1).done());
    CHECK(status_update(1, 2, 3, -4, false) ==
          encoder{'r'}.int64(1).int64(2).int64(3).number(std::int64_t{-4}).int8(0).done());
}
