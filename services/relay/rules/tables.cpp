#include "services/relay/rules/tables.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace shoal::relay {
namespace {

/// Binds one rule to a relation, and keeps which of its columns are not there.
class binder {
public:
    explicit binder(const relation& now) : now_{now} {}

    bound_rule bind(std::size_t place, const rule& of)
    {
        missing_.clear();
        bound_rule made{.place = place, .of = &of};
        for (const auto& one : of.tags) {
            bound_tag tag{.made_by = &one, .columns = {}};
            for (const auto& name : one.columns()) tag.columns.push_back(find(name));
            made.tags.push_back(std::move(tag));
        }
        if (of.when) made.filter_column = find(of.when->column);
        made.broken = !missing_.empty();
        return made;
    }

    [[nodiscard]] std::string problem(std::size_t place, const rule& of) const
    {
        std::vector<std::string> has;
        for (const auto& one : now_.columns) has.push_back(shown(one.name));
        return fmt::format("{}: table {} has no column {}; it has {}", name_of(of, place), shown(of.table),
                           fmt::join(missing_, ", "), fmt::join(has, ", "));
    }

private:
    std::size_t find(const std::string& name)
    {
        const auto found = std::ranges::find(now_.columns, name, &column::name);
        if (found == now_.columns.end() && std::ranges::find(missing_, shown(name)) == missing_.end())
            missing_.push_back(shown(name));
        return static_cast<std::size_t>(found - now_.columns.begin());
    }

    const relation& now_;
    std::vector<std::string> missing_;
};

}  // namespace

std::vector<std::string> tables::bind(const relation& now)
{
    std::vector<std::string> problems;
    std::vector<bound_rule> made;
    binder by{now};
    for (std::size_t place = 0; place < rules_.size(); ++place) {
        const rule& one = rules_[place];
        if (one.table.schema != now.schema || one.table.table != now.table) continue;
        made.push_back(by.bind(place, one));
        if (made.back().broken) problems.push_back(by.problem(place, one));
    }
    bound_.insert_or_assign(now.id, std::move(made));
    return problems;
}

std::span<const bound_rule> tables::of(std::uint32_t relation_id) const noexcept
{
    const auto found = bound_.find(relation_id);
    return found == bound_.end() ? std::span<const bound_rule>{} : std::span<const bound_rule>{found->second};
}

}  // namespace shoal::relay
