#include "services/relay/handlers/view_review.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "services/relay/rules/review.hpp"

namespace shoal::relay {

std::vector<std::string> unfit_views(const view_definitions& all, const view_rules& with, const catalog& by)
{
    std::vector<std::string> found(all.size());
    for (std::size_t place = 0; place < std::min(with.all.size(), by.tables.size()); ++place)
        for (const auto& one : review(with.all[place], by.tables[place]))
            if (auto& why = found[with.places[place].view]; one.how == severity::refuse && why.empty())
                why = fmt::format("{}. scripts/fleet relay check says the rest", one.text);
    return found;
}

}  // namespace shoal::relay
