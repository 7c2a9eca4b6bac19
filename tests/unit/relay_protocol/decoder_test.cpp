// Messages of pgoutput, field by field, from bytes that are written here.

#include "services/relay/protocol/decoder.hpp"

#include <algorithm>
#include <random>
#include <string>
#include <string_view>
#include <variant>

#include <catch2/catch.hpp>

#include "common/core/text.hpp"
#include "tests/unit/relay_protocol/samples.hpp"

using namespace shoal;
using namespace shoal::relay;

namespace {

/// The message lives as long as the bytes of it, which are kept.
template <class Kind>
Kind decoded(const std::string& bytes)
{
    const auto made = decode(bytes);
    REQUIRE(made.has_value());
    REQUIRE(std::holds_alternative<Kind>(*made));
    return std::get<Kind>(*made);
}

std::string bytes_of(std::string_view name)
{
    for (auto& each : samples()) {
        if (each.name == name) return each.bytes;
    }
    FAIL("no sample " << name);
    return {};
}

bool is_refused(const std::string& bytes)
{
    const auto made = decode(bytes);
    return made.has_error() && made.error() == errc::database_malformed;
}

const value null{value::kind::null, {}};
const value unchanged{value::kind::unchanged, {}};

value text(std::string_view what)
{
    return {value::kind::text, what};
}

/// An insert whose row is what the function writes.
template <class Write>
std::string inserted(Write write)
{
    encoder made{'I'};
    made.int32(1).letter('N');
    write(made);
    return made.done();
}

}  // namespace

TEST_CASE("pgoutput: begin has the commit's position, its time and the transaction's id", "[relay]")
{
    const auto made = decoded<begin>(bytes_of("begin"));
    CHECK(made.final_position == 0x16'B374'D848);
    CHECK(made.committed_at == 700'000'000'000'000);
    CHECK(made.xid == 735);
    const auto early = decoded<begin>(encoder{'B'}.int64(1).number(std::int64_t{-2}).int32(0xFFFF'FFFF).done());
    CHECK(early.committed_at == -2);
    CHECK(early.xid == 0xFFFF'FFFF);
}

TEST_CASE("pgoutput: commit has its position, where it ends, and its time", "[relay]")
{
    const auto made = decoded<commit>(bytes_of("commit"));
    CHECK(made.position == 0x16'B374'D848);
    CHECK(made.end == 0x16'B374'D878);
    CHECK(made.committed_at == 5);
    CHECK(is_refused(encoder{'C'}.int8(1).int64(1).int64(2).int64(3).done()));
}

TEST_CASE("pgoutput: relation has names, identity, and columns with type, modifier and key", "[relay]")
{
    const auto made = decoded<relation>(bytes_of("relation"));
    CHECK(made.id == 16'391);
    CHECK(made.schema == "public");
    CHECK(made.table == "Tab le");
    CHECK(made.identity == 'd');
    CHECK(made.columns == std::vector<column>{{"id", 23, -1, true}, {"name", 1043, 24, false}});
}

TEST_CASE("pgoutput: a relation's identity is one of four, and a column's key is yes or no", "[relay]")
{
    const auto with = [](char identity, unsigned key) {
        encoder made{'R'};
        made.int32(1).text("s").text("t").letter(identity).int16(1).int8(key).text("c").int32(23).int32(-1);
        return made.done();
    };
    for (const char identity : {'d', 'n', 'f', 'i'}) CHECK(decoded<relation>(with(identity, 1)).identity == identity);
    for (const char identity : {'D', 'x', '\0'}) CHECK(is_refused(with(identity, 1)));
    for (const unsigned key : {2U, 0xFFU}) CHECK(is_refused(with('d', key)));
}

TEST_CASE("pgoutput: a table may have no column and have 1,600, not more and not a negative number", "[relay]")
{
    const auto with = [](int count) {
        encoder made{'R'};
        made.int32(1).text("s").text("t").letter('d').int16(count);
        for (int i = 0; i < count; ++i) made.int8(0).text("c").int32(23).int32(-1);
        return made.done();
    };
    for (const int count : {0, 1600}) CHECK(decoded<relation>(with(count)).columns.size() == std::size_t(count));
    for (const int count : {1601, 32'767, -1}) CHECK(is_refused(with(count)));
}

TEST_CASE("pgoutput: insert has the row as it is now", "[relay]")
{
    const auto bytes = bytes_of("insert");
    const auto made = decoded<insert>(bytes);
    CHECK(made.relation == 16'391);
    CHECK(made.now == row{unchanged, text("Täe")});
    CHECK(is_refused(encoder{'I'}.int32(1).letter('K').int16(0).done()));
}

TEST_CASE("pgoutput: update says whether the key or the whole row before was sent", "[relay]")
{
    const auto moved_bytes = bytes_of("update of a key");
    const auto moved = decoded<update>(moved_bytes);
    CHECK(moved.relation == 16'391);
    CHECK(moved.kind == old_row::key);
    CHECK(moved.before == row{text("7"), null});
    CHECK(moved.now == row{unchanged, text("Täe")});

    const auto full_bytes = bytes_of("update with the whole row before");
    const auto full = decoded<update>(full_bytes);
    CHECK(full.kind == old_row::full);
    CHECK(full.before == full.now);

    const auto kept_bytes = bytes_of("update without a row before");
    const auto kept = decoded<update>(kept_bytes);
    CHECK(kept.kind == old_row::none);
    CHECK(kept.before.empty());
    CHECK(kept.now == row{unchanged, text("Täe")});
}

TEST_CASE("pgoutput: an update has at most one row before, and always the row now", "[relay]")
{
    CHECK(is_refused(encoder{'U'}.int32(1).letter('K').int16(0).letter('O').int16(0).letter('N').int16(0).done()));
    CHECK(is_refused(encoder{'U'}.int32(1).letter('K').int16(0).letter('K').int16(0).done()));
    CHECK(is_refused(encoder{'U'}.int32(1).letter('K').int16(0).done()));
    CHECK(is_refused(encoder{'U'}.int32(1).letter('X').int16(0).done()));
}

TEST_CASE("pgoutput: delete has the key or the whole row, never the row as it is now", "[relay]")
{
    const auto key_bytes = bytes_of("delete by key");
    const auto by_key = decoded<relay::remove>(key_bytes);
    CHECK(by_key.relation == 16'391);
    CHECK(by_key.kind == old_row::key);
    CHECK(by_key.before == row{text("7"), null});

    const auto row_bytes = bytes_of("delete of a whole row");
    const auto by_row = decoded<relay::remove>(row_bytes);
    CHECK(by_row.kind == old_row::full);
    CHECK(by_row.before == row{unchanged, text("Täe")});
    CHECK(is_refused(encoder{'D'}.int32(1).letter('N').int16(0).done()));
}

TEST_CASE("pgoutput: truncate names its tables and its two options", "[relay]")
{
    const auto both = decoded<relay::truncate>(bytes_of("truncate"));
    CHECK(both.relations == std::vector<std::uint32_t>{16'391, 16'400});
    CHECK(both.cascade);
    CHECK(both.restart_identity);
    const auto with = [](unsigned options) { return encoder{'T'}.int32(1).int8(options).int32(7).done(); };
    CHECK_FALSE(decoded<relay::truncate>(with(0)).cascade);
    CHECK(decoded<relay::truncate>(with(1)).cascade);
    CHECK_FALSE(decoded<relay::truncate>(with(1)).restart_identity);
    CHECK_FALSE(decoded<relay::truncate>(with(2)).cascade);
    CHECK(decoded<relay::truncate>(with(2)).restart_identity);
    for (const unsigned options : {4U, 0x80U}) CHECK(is_refused(with(options)));
}

TEST_CASE("pgoutput: truncate has as many tables as it says", "[relay]")
{
    for (const std::int64_t count : {0, 1, 3, 0x7FFF'FFFF, -1})
        CHECK(is_refused(encoder{'T'}.int32(count).int8(0).int32(7).int32(8).done()));
}

TEST_CASE("pgoutput: an emitted message has its position, prefix and content, of a transaction or of none", "[relay]")
{
    const auto bytes = bytes_of("emitted");
    const auto made = decoded<emitted>(bytes);
    CHECK(made.transactional);
    CHECK(made.position == 0x16'B374'D848);
    CHECK(made.prefix == "shoal");
    CHECK(made.content == "token-1");
    const auto with = [](unsigned flags) { return encoder{'M'}.int8(flags).int64(1).text("p").counted("").done(); };
    CHECK_FALSE(decoded<emitted>(with(0)).transactional);
    for (const unsigned flags : {2U, 0xFFU}) CHECK(is_refused(with(flags)));
}

TEST_CASE("pgoutput: types and origins are read over", "[relay]")
{
    (void)decoded<irrelevant>(bytes_of("type"));
    (void)decoded<irrelevant>(bytes_of("origin"));
}

TEST_CASE("pgoutput: a letter that version 1 does not have is an error", "[relay]")
{
    CHECK(is_refused(""));
    for (int letter = 0; letter < 256; ++letter) {
        CAPTURE(letter);
        const std::string_view known{"BCROYIUDTM"};
        const bool is_known = known.find(static_cast<char>(letter)) != std::string_view::npos;
        if (!is_known) REQUIRE(is_refused(encoder{static_cast<char>(letter)}.int64(0).int64(0).int32(0).done()));
    }
}

TEST_CASE("pgoutput: a value is null, unchanged or text; binary was not asked for", "[relay]")
{
    CHECK(is_refused(inserted([](encoder& to) { to.int16(1).letter('b').counted("1234"); })));
    CHECK(is_refused(inserted([](encoder& to) { to.int16(1).letter('x'); })));
    CHECK(is_refused(inserted([](encoder& to) { to.int16(1).letter('\0'); })));
}

TEST_CASE("pgoutput: a text is as long as it says, at least nothing and within the message", "[relay]")
{
    const auto of_length = [](std::int64_t length) {
        return inserted([length](encoder& to) { to.int16(1).letter('t').int32(length).bytes("abc"); });
    };
    const auto bytes = of_length(3);
    CHECK(decoded<insert>(bytes).now == row{text("abc")});
    for (const std::int64_t length : {2, 4, 0x4000'0000, 0x7FFF'FFFF, -1}) CHECK(is_refused(of_length(length)));
    const auto empty = inserted([](encoder& to) { to.int16(1).letter('t').counted(""); });
    CHECK(decoded<insert>(empty).now == row{text("")});
}

TEST_CASE("pgoutput: a negative length is not nothing", "[relay]")
{
    CHECK(is_refused(inserted([](encoder& to) { to.int16(1).letter('t').int32(-1); })));
    CHECK(is_refused(encoder{'T'}.int32(-1).int8(0).done()));
    CHECK(is_refused(encoder{'M'}.int8(0).int64(1).text("p").int32(-1).done()));
}

TEST_CASE("pgoutput: a row may have no value and have 1,600, not more and not a negative number", "[relay]")
{
    const auto with = [](int count) {
        return inserted(
            [count](encoder& to) { to.int16(count).bytes(std::string(std::size_t(std::max(count, 0)), 'n')); });
    };
    for (const int count : {0, 1600}) {
        const auto bytes = with(count);
        CHECK(decoded<insert>(bytes).now == row(std::size_t(count), null));
    }
    for (const int count : {1601, 32'767, -1}) CHECK(is_refused(with(count)));
}

TEST_CASE("pgoutput: text is a view into the message, whatever its bytes are", "[relay]")
{
    const std::string latin{"caf\xE9\0x", 6};
    const auto bytes = inserted([&](encoder& to) { to.int16(1).letter('t').counted(latin); });
    const auto now = decoded<insert>(bytes).now;
    REQUIRE(now == row{text(latin)});
    CHECK(now.front().text.data() == bytes.data() + bytes.size() - latin.size());
    CHECK_FALSE(is_utf8(now.front().text));
}

TEST_CASE("pgoutput: every message cut short is an error, and every one with a byte too many", "[relay]")
{
    for (const auto& each : samples()) {
        CAPTURE(each.name);
        REQUIRE(decode(each.bytes).has_value());
        for (std::size_t size = 0; size < each.bytes.size(); ++size) {
            CAPTURE(size);
            REQUIRE(is_refused(each.bytes.substr(0, size)));
        }
        for (const char extra : {'\0', 'n', '\xFF'}) CHECK(is_refused(each.bytes + extra));
    }
}

TEST_CASE("pgoutput: what is read has all that was in the bytes", "[relay]")
{
    for (const auto& each : samples()) {
        CAPTURE(each.name);
        const auto made = decode(each.bytes);
        REQUIRE(made.has_value());
        if (!std::holds_alternative<irrelevant>(*made)) CHECK(encode(*made) == each.bytes);
    }
}

TEST_CASE("pgoutput: whatever is done to a message, it is refused or read without loss", "[relay]")
{
    const auto seed = std::random_device{}();
    CAPTURE(seed);
    std::mt19937 random{seed};
    const auto all = samples();
    for (int round = 0; round < 20'000; ++round) {
        auto bytes = all[random() % all.size()].bytes;
        for (auto left = 1 + random() % 4; left > 0; --left) {
            const auto at = random() % bytes.size();
            switch (random() % 3) {
            case 0: bytes[at] = static_cast<char>(random()); break;
            case 1: bytes.insert(at, 1, static_cast<char>(random() % 3)); break;
            default: bytes.erase(at, bytes.size() > 1 ? 1 : 0); break;
            }
        }
        const auto made = decode(bytes);
        if (!made.has_value() || std::holds_alternative<irrelevant>(*made)) continue;
        CAPTURE(round);
        REQUIRE(encode(*made) == bytes);
    }
}
