#include "services/relay/rules/change.hpp"

namespace shoal::relay {
namespace {

std::optional<value> sent(const row* from, std::size_t column) noexcept
{
    if (from == nullptr || column >= from->size() || (*from)[column].is == value::kind::unchanged) return std::nullopt;
    return (*from)[column];
}

bool is_key(const change& in, std::size_t column) noexcept
{
    return column < in.of->columns.size() && in.of->columns[column].key;
}

/// As it was sent of the row before. The other columns of a row that has only the key look like NULL.
std::optional<value> sent_before(const change& in, std::size_t column) noexcept
{
    if (in.kind == old_row::none) return std::nullopt;
    if (in.kind == old_row::key && !is_key(in, column)) return std::nullopt;
    return sent(in.before, column);
}

}  // namespace

change change_of(const relation& of, const insert& by) noexcept
{
    return {&of, old_row::none, nullptr, &by.now};
}

change change_of(const relation& of, const update& by) noexcept
{
    return {&of, by.kind, &by.before, &by.now};
}

change change_of(const relation& of, const remove& by) noexcept
{
    return {&of, by.kind, &by.before, nullptr};
}

std::optional<value> old_value(const change& in, std::size_t column) noexcept
{
    if (in.kind != old_row::none) return sent_before(in, column);
    // Nothing is sent where the key stays; with the identity `full` something always is.
    if (!is_key(in, column) || in.of->identity == 'f') return std::nullopt;
    return sent(in.now, column);
}

std::optional<value> new_value(const change& in, std::size_t column) noexcept
{
    if (const auto now = sent(in.now, column)) return now;
    const bool stayed = in.now != nullptr && column < in.now->size();
    return stayed ? sent_before(in, column) : std::nullopt;
}

}  // namespace shoal::relay
