#include "tests/unit/cache_site/samples.hpp"

#include <catch2/catch.hpp>

#include <cstdlib>

#include "common/config/reader.hpp"
#include "services/cache/site/key.hpp"

namespace shoal::cache::test {

reading read(const std::string& json)
{
    const auto parsed = nlohmann::json::parse(json);
    config::problems problems{"shoal.json"};
    config::object section{parsed, "$.services.cache", problems};
    auto made = read_settings(section);
    return {std::move(made), problems.text()};
}

settings read_valid(const std::string& json)
{
    auto got = read(json);
    INFO(json);
    REQUIRE(got.problems.empty());
    return std::move(got.made);
}

settings one_site(const std::string& members)
{
    const std::string more = members.empty() ? "" : "," + members;
    return read_valid(R"({"sites":[{"name":"shop","hosts":["shop.example"],"origins":["127.0.0.1:8000"])" + more +
                      "}]}");
}

made_key key_of(const site& of, std::string_view target, std::string_view host, scheme over)
{
    const auto name = host_name::parse(host, over);
    REQUIRE(name.has_value());
    made_key made;
    made.by = &make_key(made.key, of, over, *name, target);
    return made;
}

std::uint64_t seed()
{
    const char* const given = std::getenv("SHOAL_TEST_SEED");
    return given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
}

std::string random_text(std::mt19937_64& random, std::string_view letters, std::size_t most)
{
    std::string text(random() % (most + 1), ' ');
    for (auto& c : text) c = letters[random() % letters.size()];
    return text;
}

}  // namespace shoal::cache::test
