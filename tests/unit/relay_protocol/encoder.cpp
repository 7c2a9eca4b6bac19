#include "tests/unit/relay_protocol/encoder.hpp"

namespace shoal::relay {
namespace {

char letter_of(value::kind kind)
{
    switch (kind) {
    case value::kind::null: return 'n';
    case value::kind::unchanged: return 'u';
    case value::kind::text: break;
    }
    return 't';
}

void put_old(encoder& to, old_row kind, const row& before)
{
    if (kind != old_row::none) to.letter(kind == old_row::key ? 'K' : 'O').values(before);
}

struct message_encoder {
    std::string operator()(const irrelevant&) const { return {}; }
    std::string operator()(const begin& what) const
    {
        return encoder{'B'}.int64(what.final_position).number(what.committed_at).number(what.xid).done();
    }
    std::string operator()(const commit& what) const
    {
        return encoder{'C'}.int8(0).int64(what.position).int64(what.end).number(what.committed_at).done();
    }
    std::string operator()(const relation& what) const
    {
        encoder made{'R'};
        made.number(what.id).text(what.schema).text(what.table).letter(what.identity);
        made.int16(static_cast<int>(what.columns.size()));
        for (const auto& each : what.columns)
            made.int8(each.key ? 1 : 0).text(each.name).number(each.type).number(each.modifier);
        return made.done();
    }
    std::string operator()(const insert& what) const
    {
        return encoder{'I'}.number(what.relation).letter('N').values(what.now).done();
    }
    std::string operator()(const update& what) const
    {
        encoder made{'U'};
        made.number(what.relation);
        put_old(made, what.kind, what.before);
        return made.letter('N').values(what.now).done();
    }
    std::string operator()(const remove& what) const
    {
        encoder made{'D'};
        made.number(what.relation);
        put_old(made, what.kind, what.before);
        return made.done();
    }
    std::string operator()(const truncate& what) const
    {
        encoder made{'T'};
        made.int32(static_cast<std::int64_t>(what.relations.size()));
        made.int8((what.cascade ? 1U : 0U) | (what.restart_identity ? 2U : 0U));
        for (const auto each : what.relations) made.number(each);
        return made.done();
    }
    std::string operator()(const emitted& what) const
    {
        encoder made{'M'};
        made.int8(what.transactional ? 1 : 0).int64(what.position).text(what.prefix).counted(what.content);
        return made.done();
    }
};

}  // namespace

encoder& encoder::values(const row& what)
{
    int16(static_cast<int>(what.size()));
    for (const auto& each : what) {
        letter(letter_of(each.is));
        if (each.is == value::kind::text) counted(each.text);
    }
    return *this;
}

std::string encode(const message& what)
{
    return std::visit(message_encoder{}, what);
}

}  // namespace shoal::relay
