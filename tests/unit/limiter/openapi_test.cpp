// The document and the worker's own table of routes, held against each other.

#include <algorithm>
#include <array>
#include <cctype>
#include <set>
#include <string>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "limiter_service_embedded.hpp"
#include "services/limiter/handlers.hpp"

using namespace shoal;
using nlohmann::json;

namespace {

constexpr std::array methods{"get", "head", "post", "put", "patch", "delete", "options", "trace"};

std::string lower(std::string_view text)
{
    std::string made{text};
    std::ranges::transform(made, made.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return made;
}

std::set<std::string> routed()
{
    limiter::handlers limiter;
    std::set<std::string> found;
    for (const auto& route : limiter.routes()) {
        const std::string path{route.pattern};
        if (route.method == http::any_method)
            for (const auto* method : methods) found.insert(path + ' ' + method);
        else
            found.insert(path + ' ' + lower(boost::beast::http::to_string(route.method)));
    }
    return found;
}

/// Every "$ref" below `in`.
void references(const json& in, std::set<std::string>& into)
{
    for (const auto& [name, value] : in.items()) {
        if (name == "$ref") into.insert(value.get<std::string>());
        if (value.is_structured()) references(value, into);
    }
}

}  // namespace

TEST_CASE("openapi: documents every route that there is, and no other", "[limiter]")
{
    const auto document = json::parse(embedded::openapi_json);
    std::set<std::string> documented;
    for (const auto& [path, item] : document.at("paths").items())
        for (const auto* method : methods)
            if (item.contains(method)) documented.insert(path + ' ' + method);
    REQUIRE(documented == routed());
    REQUIRE(documented.size() == 18);
}

TEST_CASE("openapi: every reference leads somewhere, and every component is referred to", "[limiter]")
{
    const auto document = json::parse(embedded::openapi_json);
    std::set<std::string> used;
    references(document, used);
    for (const auto& reference : used) {
        CAPTURE(reference);
        REQUIRE(reference.starts_with("#/"));
        REQUIRE(document.contains(json::json_pointer{reference.substr(1)}));
    }
    for (const auto& [kind, components] : document.at("components").items())
        for (const auto& [name, component] : components.items()) {
            CAPTURE(kind, name);
            std::string place = "#/components/";
            place.append(kind).append("/").append(name);
            REQUIRE(used.contains(place));
        }
}

TEST_CASE("openapi: operations have names of their own, and every answer is explained", "[limiter]")
{
    const auto document = json::parse(embedded::openapi_json);
    std::set<std::string> names;
    for (const auto& [path, item] : document.at("paths").items())
        for (const auto* method : methods) {
            if (!item.contains(method)) continue;
            CAPTURE(path, method);
            const auto& operation = item.at(method);
            REQUIRE(names.insert(operation.at("operationId").get<std::string>()).second);
            REQUIRE_FALSE(operation.at("summary").get<std::string>().empty());
            REQUIRE_FALSE(operation.at("responses").empty());
            for (const auto placeholder : {"rule", "key", "id"})
                if (path.find('{' + std::string{placeholder} + '}') != std::string::npos)
                    REQUIRE(item.at("parameters").dump().find(placeholder) != std::string::npos);
        }
}
