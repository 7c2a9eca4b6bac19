#include "services/relay/protocol/decoder.hpp"

#include <algorithm>
#include <utility>

#include "services/relay/protocol/byte_reader.hpp"

namespace shoal::relay {
namespace {

begin read_begin(byte_reader& from)
{
    begin made;
    made.final_position = from.number<lsn>();
    made.committed_at = from.number<std::int64_t>();
    made.xid = from.number<std::uint32_t>();
    return made;
}

commit read_commit(byte_reader& from)
{
    constexpr std::uint8_t flags = 0;
    if (from.number<std::uint8_t>() != flags) from.fail();
    commit made;
    made.position = from.number<lsn>();
    made.end = from.number<lsn>();
    made.committed_at = from.number<std::int64_t>();
    return made;
}

column read_column(byte_reader& from)
{
    column made;
    made.key = from.flag();
    made.name = from.text();
    made.type = from.number<std::uint32_t>();
    made.modifier = from.number<std::int32_t>();
    return made;
}

relation read_relation(byte_reader& from)
{
    constexpr std::string_view identities = "dnfi";
    relation made;
    made.id = from.number<std::uint32_t>();
    made.schema = from.text();
    made.table = from.text();
    made.identity = from.letter();
    if (identities.find(made.identity) == std::string_view::npos) from.fail();
    const auto count = from.count16(most_columns);
    made.columns.reserve(std::min(count, from.left()));
    for (std::size_t i = 0; i < count && !from.has_failed(); ++i) made.columns.push_back(read_column(from));
    return made;
}

value read_value(byte_reader& from)
{
    switch (from.letter()) {
    case 'n': return {value::kind::null, {}};
    case 'u': return {value::kind::unchanged, {}};
    case 't': return {value::kind::text, from.bytes(from.count32())};
    default: from.fail(); return {};
    }
}

row read_row(byte_reader& from)
{
    row made;
    const auto count = from.count16(most_columns);
    made.reserve(std::min(count, from.left()));
    for (std::size_t i = 0; i < count && !from.has_failed(); ++i) made.push_back(read_value(from));
    return made;
}

/// What the letter before a row says of it; `none` is the row as it is now.
old_row read_kind(byte_reader& from)
{
    switch (from.letter()) {
    case 'K': return old_row::key;
    case 'O': return old_row::full;
    case 'N': return old_row::none;
    default: from.fail(); return old_row::none;
    }
}

insert read_insert(byte_reader& from)
{
    insert made;
    made.relation = from.number<std::uint32_t>();
    if (read_kind(from) != old_row::none) from.fail();
    made.now = read_row(from);
    return made;
}

update read_update(byte_reader& from)
{
    update made;
    made.relation = from.number<std::uint32_t>();
    made.kind = read_kind(from);
    if (made.kind != old_row::none) {
        made.before = read_row(from);
        if (read_kind(from) != old_row::none) from.fail();
    }
    made.now = read_row(from);
    return made;
}

remove read_remove(byte_reader& from)
{
    remove made;
    made.relation = from.number<std::uint32_t>();
    made.kind = read_kind(from);
    if (made.kind == old_row::none) from.fail();
    made.before = read_row(from);
    return made;
}

truncate read_truncate(byte_reader& from)
{
    constexpr unsigned cascade = 1;
    constexpr unsigned restart_identity = 2;
    truncate made;
    const auto count = from.count32();
    const auto flags = from.number<std::uint8_t>();
    if (flags > (cascade | restart_identity) || from.left() / sizeof(std::uint32_t) < count) from.fail();
    made.cascade = (flags & cascade) != 0;
    made.restart_identity = (flags & restart_identity) != 0;
    for (std::size_t i = 0; i < count && !from.has_failed(); ++i)
        made.relations.push_back(from.number<std::uint32_t>());
    return made;
}

emitted read_emitted(byte_reader& from)
{
    emitted made;
    made.transactional = from.flag();
    made.position = from.number<lsn>();
    made.prefix = from.text();
    made.content = from.bytes(from.count32());
    return made;
}

irrelevant read_type(byte_reader& from)
{
    (void)from.number<std::uint32_t>();
    (void)from.text();
    (void)from.text();
    return {};
}

irrelevant read_origin(byte_reader& from)
{
    (void)from.number<lsn>();
    (void)from.text();
    return {};
}

message read_message(byte_reader& from)
{
    switch (from.letter()) {
    case 'B': return read_begin(from);
    case 'C': return read_commit(from);
    case 'R': return read_relation(from);
    case 'I': return read_insert(from);
    case 'U': return read_update(from);
    case 'D': return read_remove(from);
    case 'T': return read_truncate(from);
    case 'M': return read_emitted(from);
    case 'Y': return read_type(from);
    case 'O': return read_origin(from);
    default: from.fail(); return irrelevant{};
    }
}

}  // namespace

result<message> decode(std::string_view bytes)
{
    byte_reader from{bytes};
    auto made = read_message(from);
    if (!from.is_whole()) return errc::database_malformed;
    return made;
}

}  // namespace shoal::relay
