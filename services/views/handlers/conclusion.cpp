#include "services/views/handlers/conclusion.hpp"

#include <algorithm>
#include <utility>
#include <variant>
#include <vector>

#include <fmt/format.h>

#include "common/http/response.hpp"
#include "common/views/layout.hpp"
#include "services/views/answer/body.hpp"
#include "services/views/handlers/replies.hpp"

namespace shoal::views {
namespace {

bool is_absent(const entry& one) noexcept
{
    return std::holds_alternative<std::monostate>(one);
}

/// What was asked for does not fit what the entries are.
std::optional<refusal> refuse_part(const page& part, kind of)
{
    if (part.named.empty() || of == kind::sorted_set || (of == kind::set && !part.by_score())) return std::nullopt;
    if (of == kind::set) return refusal{400, "from and to are scores, which the members of a set do not have"};
    return refusal{400, fmt::format("{} is for sets; an entry of this view is a {}", part.named, name_of(of))};
}

}  // namespace

std::vector<coherence::tag> tags_of(const question& asked)
{
    std::vector<coherence::tag> made;
    for (const auto& one : asked.of) {
        made.push_back(entry_tag(one.view, one.key));
        made.push_back(view_tag(one.view));
    }
    std::ranges::sort(made);
    made.erase(std::unique(made.begin(), made.end()), made.end());
    made.shrink_to_fit();
    return made;
}

parsed<answer_ptr> conclude(const question& asked, const reading& found, const coherence::stamp& at)
{
    // An epoch that began meanwhile: whether its relay keeps the views is not known yet.
    if (found.epoch != at.epoch) return refuse_unattended();
    if (found.is != reading::outcome::found) return refuse(found);
    if (auto wrong = refuse_part(asked.part, found.of)) return *std::move(wrong);
    const auto& view = asked.of.front().view;
    const bool absent = std::ranges::any_of(found.entries, is_absent);
    if (absent && found.at != state::ready)
        return refuse({.is = reading::outcome::filling, .entries = {}, .names = {}, .view = view});
    if (absent && asked.is != question::form::several) {
        const auto said = http::problem(404, fmt::format("view '{}' has no entry of that key", view));
        return answer_ptr{new answer{404, said.body(), {}, at, tags_of(asked)}};
    }
    auto body = asked.is == question::form::several ? to_json(asked.of, found.entries, found.of)
                                                    : to_json(found.entries.front(), found.of);
    auto etag = etag_of(body);
    return answer_ptr{new answer{200, std::move(body), std::move(etag), at, tags_of(asked)}};
}

}  // namespace shoal::views
