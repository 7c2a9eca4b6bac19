#include "services/cache/site/read_fields.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace shoal::cache {
namespace {

template <class Unit>
Unit read_whole(config::object& from, std::string_view name, config::duration_range range, Unit fallback,
                std::string_view unit)
{
    const auto read = from.duration(name, range, fallback);
    const auto whole = std::chrono::duration_cast<Unit>(read);
    if (whole != read) from.problem(name, fmt::format("must be of whole {}", unit));
    return whole;
}

}  // namespace

std::vector<std::string> read_texts(config::object& from, std::string_view name, const text_list& how,
                                    std::vector<std::string> fallback)
{
    const auto* const listed = from.raw(name);
    if (listed == nullptr) {
        if (how.least > fallback.size()) from.problem(name, "is missing");
        return fallback;
    }
    if (!listed->is_array() || listed->size() < how.least || listed->size() > how.most) {
        from.problem(name, fmt::format("must be an array of {} to {} strings", how.least, how.most));
        return fallback;
    }
    std::vector<std::string> texts;
    for (std::size_t i = 0; i < listed->size(); ++i) {
        const auto& one = (*listed)[i];
        auto text = one.is_string() ? one.get<std::string>() : std::string{};
        auto wrong = one.is_string() ? how.refuse(text) : "must be a string";
        if (wrong.empty() && std::ranges::find(texts, text) != texts.end())
            wrong = fmt::format("'{}' stands twice; once is enough", text);
        if (!wrong.empty()) from.problem(name, fmt::format("entry {}: {}", i, wrong));
        if (wrong.empty()) texts.push_back(std::move(text));
    }
    return texts;
}

std::chrono::seconds read_seconds(config::object& from, std::string_view name, config::duration_range range,
                                  std::chrono::seconds fallback)
{
    return read_whole(from, name, range, fallback, "seconds");
}

std::chrono::milliseconds read_milliseconds(config::object& from, std::string_view name, config::duration_range range,
                                            std::chrono::milliseconds fallback)
{
    return read_whole(from, name, range, fallback, "milliseconds");
}

}  // namespace shoal::cache
