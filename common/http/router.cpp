#include "common/http/router.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <utility>

#include <boost/beast/http/verb.hpp>

namespace shoal::http {
namespace {

constexpr std::size_t most_segments = 16;

/// The segments of a path without its leading '/'.
struct split_path {
    std::array<std::string_view, most_segments> segments;
    std::size_t count = 0;
    bool too_many = false;
};

split_path split(std::string_view path) noexcept
{
    split_path parts;
    if (path.empty() || path.front() != '/') {
        parts.too_many = true;
        return parts;
    }
    for (std::size_t from = 1;;) {
        if (parts.count == most_segments) {
            parts.too_many = true;
            return parts;
        }
        const auto to = path.find('/', from);
        parts.segments[parts.count++] = path.substr(from, to == std::string_view::npos ? to : to - from);
        if (to == std::string_view::npos) return parts;
        from = to + 1;
    }
}

bool is_placeholder(std::string_view segment) noexcept
{
    return segment.size() > 2 && segment.front() == '{' && segment.back() == '}';
}

std::vector<std::string> shape_of(std::string_view pattern)
{
    const auto parts = split(pattern);
    if (parts.too_many) throw std::logic_error("route does not begin with '/' or is too deep: " + std::string{pattern});
    std::vector<std::string> segments;
    std::size_t placeholders = 0;
    for (std::size_t i = 0; i < parts.count; ++i) {
        const auto segment = parts.segments[i];
        const bool last = i + 1 == parts.count;
        if (is_placeholder(segment)) {
            ++placeholders;
            segments.emplace_back();
        } else if (segment.find_first_of("{}") != std::string_view::npos || (segment.empty() && !last)) {
            throw std::logic_error("route has a malformed segment: " + std::string{pattern});
        } else {
            // A trailing slash is a literal of its own: '/' can't be in a segment.
            segments.emplace_back(segment.empty() ? "/" : segment);
        }
    }
    if (placeholders > std::tuple_size_v<decltype(request::parameters)>)
        throw std::logic_error("route has too many placeholders: " + std::string{pattern});
    return segments;
}

bool matches(const std::vector<std::string>& wanted, const split_path& path) noexcept
{
    if (wanted.size() != path.count) return false;
    for (std::size_t i = 0; i < path.count; ++i) {
        const auto segment = path.segments[i];
        if (wanted[i].empty() ? segment.empty() : (segment.empty() ? "/" : segment) != wanted[i]) return false;
    }
    return true;
}

void fill_parameters(const std::vector<std::string>& wanted, const split_path& path, request& into) noexcept
{
    std::size_t filled = 0;
    for (std::size_t i = 0; i < path.count; ++i)
        if (wanted[i].empty()) into.parameters[filled++] = path.segments[i];
}

}  // namespace

router::router(std::vector<route> routes) : routes_{std::move(routes)}
{
    for (std::size_t i = 0; i < routes_.size(); ++i) {
        auto segments = shape_of(routes_[i].pattern);
        for (const auto& other : shapes_)
            if (other.segments == segments && routes_[other.route].method == routes_[i].method)
                throw std::logic_error("route stands twice: " + std::string{routes_[i].pattern});
        shapes_.push_back({std::move(segments), i});
    }
    std::ranges::stable_sort(shapes_, [this](const shape& a, const shape& b) {
        // "" is the least string, so in descending order a literal comes before a placeholder.
        if (a.segments != b.segments) return b.segments < a.segments;
        return routes_[a.route].method != any_method && routes_[b.route].method == any_method;
    });
}

router::match router::find(request& from) const
{
    const auto path = split(from.path);
    if (path.too_many) return {};
    const shape* by_get = nullptr;
    bool other_method = false;
    for (const auto& candidate : shapes_) {
        if (!matches(candidate.segments, path)) continue;
        const auto method = routes_[candidate.route].method;
        if (method == any_method && by_get != nullptr) break;
        if (method == from.method || method == any_method) {
            fill_parameters(candidate.segments, path, from);
            return {&routes_[candidate.route], {}};
        }
        if (method == verb::get && from.method == verb::head && by_get == nullptr) by_get = &candidate;
        other_method = true;
    }
    if (by_get != nullptr) {
        fill_parameters(by_get->segments, path, from);
        return {&routes_[by_get->route], {}};
    }
    return other_method ? match{nullptr, allowed_for(from.path)} : match{};
}

std::string router::allowed_for(std::string_view path) const
{
    const auto parts = split(path);
    std::vector<std::string_view> methods;
    const auto add = [&methods](verb method) {
        const std::string_view name = boost::beast::http::to_string(method);
        if (std::ranges::find(methods, name) == methods.end()) methods.push_back(name);
    };
    for (const auto& candidate : shapes_) {
        if (!matches(candidate.segments, parts)) continue;
        add(routes_[candidate.route].method);
        if (routes_[candidate.route].method == verb::get) add(verb::head);
    }
    std::ranges::sort(methods);
    std::string text;
    for (const auto method : methods) text.append(text.empty() ? "" : ", ").append(method);
    return text;
}

}  // namespace shoal::http
