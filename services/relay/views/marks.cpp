#include "services/relay/views/marks.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include <fmt/format.h>

namespace shoal::relay {
namespace {

rule rule_of(const change_source& from, std::size_t place, std::string written_at)
{
    const auto name = std::to_string(place);
    const bool everything = from.of == change_source::scope::everything;
    rule made{.table = from.table, .table_tag = name};
    // Without a column: any change at all.
    made.tags.push_back(tag_template::of_columns(everything ? name : name + ':', from.columns));
    made.when = from.when;
    made.ignores_old_values = from.ignores_old_values;
    made.written_at = std::move(written_at);
    // No view has so long a KEY. What is longer with a member, or is a value to look for, makes all of the view anew.
    made.drops_long_tags = from.of == change_source::scope::changed && !from.has_member;
    made.most_rows = from.most_rows;
    return made;
}

}  // namespace

view_rules rules_of(const view_definitions& views)
{
    view_rules made;
    for (std::size_t view = 0; view < views.size(); ++view)
        for (std::size_t source = 0; source < views[view].changed_by.size(); ++source) {
            made.all.push_back(rule_of(views[view].changed_by[source], made.all.size(),
                                       fmt::format("view {}, changed_by[{}]", views[view].name, source)));
            made.places.push_back({view, source});
        }
    return made;
}

bool dirty_view::empty() const noexcept
{
    return !everything && keys.empty() && members.empty() &&
           std::ranges::all_of(selected, [](const texts& one) { return one.empty(); });
}

dirty_views::dirty_views(const view_definitions& of, const view_rules& by)
    : definitions_{of}, rules_{by}, views_(of.size())
{
    for (std::size_t i = 0; i < of.size(); ++i) views_[i].selected.resize(of[i].changed_by.size());
}

void dirty_views::add(std::string_view mark)
{
    const auto colon = std::min(mark.find(':'), mark.size());
    std::size_t place = 0;
    std::from_chars(mark.data(), mark.data() + colon, place);
    if (place >= rules_.places.size()) return;
    const auto [view, source] = rules_.places[place];
    auto& into = views_[view];
    if (colon == mark.size()) {
        into.everything = true;
        return;
    }
    std::string values{mark.substr(colon + 1)};
    const auto& from = definitions_[view].changed_by[source];
    if (from.of == change_source::scope::selected)
        into.selected[source].insert(std::move(values));
    else if (from.has_member)
        into.members.insert(std::move(values));
    else
        into.keys.insert(std::move(values));
}

}  // namespace shoal::relay
