#include "services/limiter/body.hpp"

#include <set>
#include <utility>
#include <vector>

namespace shoal::limiter {

parsed<nlohmann::json> read_object(std::string_view body, std::string_view form)
{
    using nlohmann::json;
    if (body.empty()) return json::object();

    std::vector<std::set<std::string>> open;
    std::optional<std::string> twice;
    const auto watch = [&](int, json::parse_event_t event, json& element) {
        if (event == json::parse_event_t::object_start) open.emplace_back();
        if (event == json::parse_event_t::object_end) open.pop_back();
        if (event == json::parse_event_t::key && !open.back().insert(element.get<std::string>()).second)
            twice = element.get<std::string>();
        return true;
    };
    auto value = json::parse(body, watch, false);
    if (value.is_discarded() || !value.is_object())
        return refusal{400, "the body must be empty or a JSON object as " + std::string{form}};
    if (twice) return refusal{400, '"' + *twice + "\" stands twice in an object of the body"};
    return value;
}

std::optional<std::int64_t> whole_number(const nlohmann::json& value)
{
    if (value.is_number_unsigned() && value.get<std::uint64_t>() > INT64_MAX) return INT64_MAX;
    if (value.is_number_integer()) return value.get<std::int64_t>();
    return std::nullopt;
}

}  // namespace shoal::limiter
