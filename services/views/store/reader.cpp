#include "services/views/store/reader.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "common/purge_log/keys.hpp"
#include "common/redis/client.hpp"
#include "common/redis/script.hpp"
#include "common/redis/value.hpp"
#include "shoal_purge_log_embedded.hpp"
#include "views_store_embedded.hpp"

namespace shoal::views {
namespace {

constexpr std::array<std::string_view, 6> keys{coherence::head_key,    coherence::log_key,   coherence::table_key,
                                               coherence::members_key, coherence::relay_key, directory_key};

/// Of what one answer is made.
constexpr std::string_view most_bytes = "8388608";
constexpr std::string_view most_in_smallest = "50000";

template <const std::string_view& Source, bool Paged>
const redis::script& script_of(std::string_view name)
{
    static const std::string text = std::string{embedded::epoch_lua}
                                        .append(embedded::open_lua)
                                        .append(Paged ? embedded::page_lua : std::string_view{})
                                        .append(Source);
    static const redis::script code{name, text};
    return code;
}

std::string score_text(const std::optional<double>& score)
{
    return score ? fmt::format("{}", *score) : std::string{};
}

/// What all that page has; the first argument is the epoch.
std::vector<std::string> arguments_of(const question& asked, std::uint64_t known)
{
    const auto& part = asked.part;
    const auto& after = part.after;
    return {std::to_string(known),
            std::to_string(part.limit),
            score_text(part.from),
            score_text(part.to),
            part.descending ? "desc" : "asc",
            after ? score_text(after->score) : std::string{},
            after ? after->member : std::string{}};
}

const std::vector<redis::value>* array_of(const redis::value& from, std::size_t size) noexcept
{
    const auto* const array = from.array();
    return array != nullptr && array->size() >= size ? array : nullptr;
}

/// Empty for what is none.
std::string text_of(const redis::value& from)
{
    const auto* const text = from.text();
    return text != nullptr ? *text : std::string{};
}

double score_of(std::string_view text) noexcept
{
    double score = 0;
    std::from_chars(text.data(), text.data() + text.size(), score);
    return score;
}

std::optional<entry> read_members(const redis::value& from, bool descending)
{
    const auto* const part = array_of(from, 2);
    const auto* const listed = part != nullptr ? (*part)[0].array() : nullptr;
    const auto* const more = part != nullptr ? (*part)[1].integer() : nullptr;
    if (listed == nullptr || more == nullptr || listed->size() % 2 != 0) return std::nullopt;
    members made{.all = {}, .more = *more != 0};
    made.all.reserve(listed->size() / 2);
    for (std::size_t i = 0; i + 1 < listed->size(); i += 2)
        made.all.emplace_back(text_of((*listed)[i]), score_of(text_of((*listed)[i + 1])));
    if (descending) std::ranges::reverse(made.all);
    return made;
}

std::optional<entry> read_fields(const redis::value& from)
{
    const auto* const listed = from.array();
    if (listed == nullptr || listed->size() % 2 != 0) return std::nullopt;
    fields made;
    made.all.reserve(listed->size() / 2);
    for (std::size_t i = 0; i + 1 < listed->size(); i += 2)
        made.all.emplace_back(text_of((*listed)[i]), text_of((*listed)[i + 1]));
    // Redis has them in any order, and equal ones shall look equal.
    std::ranges::sort(made.all);
    return made;
}

std::optional<entry> read_entry(const redis::value& from, kind of, bool descending)
{
    if (from.is_nil()) return entry{};
    if (of == kind::hash) return read_fields(from);
    if (of != kind::document) return read_members(from, descending);
    const auto* const text = from.text();
    if (text == nullptr) return std::nullopt;
    return document{*text};
}

std::optional<reading::outcome> outcome_of(std::string_view word) noexcept
{
    using is = reading::outcome;
    constexpr std::array<std::pair<std::string_view, is>, 8> words{{{"found", is::found},
                                                                    {"unattended", is::unattended},
                                                                    {"unknown", is::unknown},
                                                                    {"failed", is::failed},
                                                                    {"large", is::large},
                                                                    {"kind", is::kind},
                                                                    {"filling", is::filling},
                                                                    {"many", is::many}}};
    const auto* const found = std::ranges::find(words, word, &std::pair<std::string_view, is>::first);
    return found == words.end() ? std::nullopt : std::optional{found->second};
}

/// {epoch, outcome, kind, state, entries or names, view}
std::optional<reading> read_reading(const redis::value& from, const question& asked)
{
    const auto* const reply = array_of(from, 5);
    const auto* const epoch = reply != nullptr ? (*reply)[0].integer() : nullptr;
    const auto* const listed = reply != nullptr ? (*reply)[4].array() : nullptr;
    if (epoch == nullptr || *epoch <= 0 || listed == nullptr) return std::nullopt;
    const auto is = outcome_of(text_of((*reply)[1]));
    if (!is) return std::nullopt;
    reading made{.epoch = static_cast<std::uint64_t>(*epoch), .is = *is, .entries = {}, .names = {}, .view = {}};
    if (*is != reading::outcome::found) {
        for (const auto& each : *listed) made.names.push_back(text_of(each));
        std::ranges::sort(made.names);
        if (reply->size() > 5) made.view = text_of((*reply)[5]);
        return made;
    }
    const auto of = kind_of(text_of((*reply)[2]));
    if (!of) return std::nullopt;
    made.of = *of;
    made.at = text_of((*reply)[3]) == name_of(state::ready) ? state::ready : state::filling;
    for (const auto& each : *listed) {
        auto one = read_entry(each, *of, asked.part.descending);
        if (!one) return std::nullopt;
        made.entries.push_back(*std::move(one));
    }
    return made;
}

std::optional<listing> read_listing(const redis::value& from)
{
    const auto* const reply = array_of(from, 3);
    const auto* const epoch = reply != nullptr ? (*reply)[0].integer() : nullptr;
    const auto* const attached = reply != nullptr ? (*reply)[1].integer() : nullptr;
    const auto* const lines = reply != nullptr ? (*reply)[2].array() : nullptr;
    if (epoch == nullptr || *epoch <= 0 || attached == nullptr || lines == nullptr) return std::nullopt;
    listing made{.epoch = static_cast<std::uint64_t>(*epoch), .views = {}};
    for (std::size_t i = 0; i + 2 < lines->size(); i += 3) {
        const auto line = parse_directory_entry(text_of((*lines)[i + 1]));
        const auto* const entries = (*lines)[i + 2].integer();
        if (!line || entries == nullptr) continue;
        made.views.push_back({.name = text_of((*lines)[i]),
                              .is = line->is,
                              .at = line->at,
                              .generation = line->generation,
                              .entries = static_cast<std::uint64_t>(*entries),
                              .counts = *attached == 1 && line->epoch == made.epoch});
    }
    std::ranges::sort(made.views, {}, &listed_view::name);
    return made;
}

}  // namespace

reader::reply<redis::value> reader::run(const redis::script& code, std::span<const std::string> arguments,
                                        boot_time deadline)
{
    const std::vector<std::string_view> views{arguments.begin(), arguments.end()};
    co_return co_await state_.eval(code, keys, views, deadline);
}

reader::reply<reading> reader::read(const question& asked, std::uint64_t known, boot_time deadline)
{
    const bool meets = asked.is == question::form::intersection;
    auto arguments = arguments_of(asked, known);
    arguments.emplace_back(meets ? most_in_smallest : most_bytes);
    if (!meets) arguments.push_back(asked.of.front().view);
    for (const auto& one : asked.of) {
        if (meets) arguments.push_back(one.view);
        arguments.push_back(one.key);
    }
    const auto& code = meets ? script_of<embedded::intersect_lua, true>("views_intersect")
                             : script_of<embedded::read_lua, true>("views_read");
    const auto answer = co_await run(code, arguments, deadline);
    if (answer.has_error()) co_return answer.error();
    auto made = read_reading(*answer, asked);
    if (!made) co_return errc::redis_unexpected_reply;
    const std::size_t wanted = meets ? 1 : asked.of.size();
    if (made->is == reading::outcome::found && made->entries.size() != wanted) co_return errc::redis_unexpected_reply;
    co_return *std::move(made);
}

reader::reply<listing> reader::list(std::uint64_t known, boot_time deadline)
{
    const std::array<std::string, 1> arguments{std::to_string(known)};
    const auto answer = co_await run(script_of<embedded::list_lua, false>("views_list"), arguments, deadline);
    if (answer.has_error()) co_return answer.error();
    auto made = read_listing(*answer);
    if (!made) co_return errc::redis_unexpected_reply;
    co_return *std::move(made);
}

}  // namespace shoal::views
