#include "services/relay/rules/collector.hpp"

#include <algorithm>
#include <utility>

namespace shoal::relay {
namespace {

bool is_inside(const bound_rule& with, const change& of, bool before)
{
    if ((before ? of.before : of.now) == nullptr) return false;
    if (!with.filter_column) return true;
    return with.of->when->has(before ? old_value(of, *with.filter_column) : new_value(of, *with.filter_column));
}

/// Of a column of a template: a column that never changes has the value of the other row.
std::optional<value> template_value(const rule& with, const change& of, std::size_t column, bool before)
{
    if (!before) return new_value(of, column);
    const auto old = old_value(of, column);
    return !old && with.ignores_old_values ? new_value(of, column) : old;
}

void sort_once(std::vector<std::string>& texts)
{
    std::ranges::sort(texts);
    texts.erase(std::unique(texts.begin(), texts.end()), texts.end());
}

}  // namespace

std::size_t collector::text_hash::operator()(std::string_view text) const noexcept
{
    return boost::hash<std::string_view>{}(text);
}

collector::collector(const tables& by) : tables_{by}, gathered_(by.size()) {}

void collector::truncate(const relation& of)
{
    for (const auto& with : tables_.of(of.id))
        if (with.of->on.truncate) fall_back(with.place);
}

void collector::add(const change& of, bool operations::*kind)
{
    const auto all = tables_.of(of.of->id);
    if (all.empty()) return;
    ++counts_.rows;
    bool known = true;
    for (const auto& with : all)
        if (with.of->on.*kind && !add_to(with, of)) known = false;
    if (!known) ++counts_.unknown;
}

/// False where the table's tag has to stand in for one that is not known.
bool collector::add_to(const bound_rule& with, const change& of)
{
    if (with.broken) {
        fall_back(with.place);
        return false;
    }
    const bool old_inside = is_inside(with, of, true);
    const bool new_inside = is_inside(with, of, false);
    if (!old_inside && !new_inside) return true;
    gathered& into = begin(with.place);
    if (++into.rows > with.of->most_rows) {
        if (!into.collapsed) collapse(into);
        return true;
    }
    bool known = true;
    if (old_inside) known = add_tags(with, of, true);
    if (new_inside) known = add_tags(with, of, false) && known;
    if (!known) fall_back(with.place);
    return known;
}

bool collector::add_tags(const bound_rule& with, const change& of, bool before)
{
    bool known = true;
    for (const auto& tag : with.tags) known = add_tag(*with.of, tag, of, before, gathered_[with.place].tags) && known;
    return known;
}

bool collector::add_tag(const rule& with, const bound_tag& tag, const change& of, bool before, tag_set& to)
{
    values_.clear();
    bool known = true;
    for (const std::size_t column : tag.columns) {
        const auto one = template_value(with, of, column, before);
        // One NULL is enough for there to be no tag, whatever the others are.
        if (one && one->is == value::kind::null) return true;
        known = known && one.has_value();
        values_.push_back(one.value_or(value{}));
    }
    if (!known) return false;
    const auto outcome = tag.made_by->render(values_, tag_);
    if (outcome == tag_template::outcome::made && !to.contains(std::string_view{tag_})) to.insert(tag_);
    return outcome != tag_template::outcome::too_long || with.drops_long_tags;
}

collector::gathered& collector::begin(std::size_t place)
{
    gathered& one = gathered_[place];
    if (!std::exchange(one.begun, true)) begun_.push_back(place);
    return one;
}

void collector::collapse(gathered& what)
{
    what.collapsed = true;
    what.table_tag = true;
    what.tags = {};
}

void collector::fall_back(std::size_t place)
{
    begin(place).table_tag = true;
}

collected collector::take()
{
    collected made = std::exchange(counts_, {});
    for (const std::size_t place : begun_) {
        gathered one = std::exchange(gathered_[place], {});
        const rule& with = tables_.at(place);
        auto& to = with.soft ? made.soft : made.hard;
        to.insert(to.end(), one.tags.begin(), one.tags.end());
        if (one.collapsed) made.collapsed += one.rows;
        if (!one.table_tag) continue;
        to.push_back(with.table_tag);
        for (const auto& tag : with.tags)
            if (tag.columns().empty() && tag.render({}, tag_) == tag_template::outcome::made) to.push_back(tag_);
    }
    begun_.clear();
    sort_once(made.hard);
    sort_once(made.soft);
    std::erase_if(made.soft, [&](const auto& tag) { return std::ranges::binary_search(made.hard, tag); });
    return made;
}

void collector::clear()
{
    (void)take();
}

}  // namespace shoal::relay
