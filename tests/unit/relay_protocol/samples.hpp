#pragma once
// Valid messages, and what stands in them byte by byte: written apart from the encoder of whole messages.

#include <string>
#include <vector>

#include "tests/unit/relay_protocol/encoder.hpp"

namespace shoal::relay {

struct sample {
    const char* name;
    std::string bytes;
};

[[nodiscard]] inline encoder& put_key(encoder& to)
{
    return to.int16(2).letter('t').counted("7").letter('n');
}

[[nodiscard]] inline encoder& put_row(encoder& to)
{
    return to.int16(2).letter('u').letter('t').counted("Täe");
}

[[nodiscard]] inline std::string relation_sample()
{
    encoder made{'R'};
    made.int32(16'391).text("public").text("Tab le").letter('d').int16(2);
    made.int8(1).text("id").int32(23).int32(-1);
    made.int8(0).text("name").int32(1043).int32(24);
    return made.done();
}

/// A change of table 16391, with the letter of its first row.
[[nodiscard]] inline encoder change_sample(char letter, char first)
{
    return encoder{letter}.int32(16'391).letter(first);
}

/// Each letter that there is, with each alternative of its parts.
[[nodiscard]] inline std::vector<sample> samples()
{
    auto inserted = change_sample('I', 'N');
    auto moved = change_sample('U', 'K');
    auto full = change_sample('U', 'O');
    auto kept = change_sample('U', 'N');
    auto by_key = change_sample('D', 'K');
    auto by_row = change_sample('D', 'O');
    return {
        {"begin", encoder{'B'}.int64(0x16'B374'D848).int64(700'000'000'000'000).int32(735).done()},
        {"commit", encoder{'C'}.int8(0).int64(0x16'B374'D848).int64(0x16'B374'D878).int64(5).done()},
        {"relation", relation_sample()},
        {"insert", put_row(inserted).done()},
        {"update of a key", put_row(put_key(moved).letter('N')).done()},
        {"update with the whole row before", put_row(put_row(full).letter('N')).done()},
        {"update without a row before", put_row(kept).done()},
        {"delete by key", put_key(by_key).done()},
        {"delete of a whole row", put_row(by_row).done()},
        {"truncate", encoder{'T'}.int32(2).int8(3).int32(16'391).int32(16'400).done()},
        {"emitted", encoder{'M'}.int8(1).int64(0x16'B374'D848).text("shoal").counted("token-1").done()},
        {"type", encoder{'Y'}.int32(16'386).text("public").text("mood").done()},
        {"origin", encoder{'O'}.int64(0x16'B374'D848).text("far").done()},
    };
}

}  // namespace shoal::relay
