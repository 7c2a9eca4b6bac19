#include "common/config/reader.hpp"

#include <fmt/format.h>
#include <catch2/catch.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

using namespace shoal::config;

namespace {

class folder {
public:
    folder()
    {
        std::string name = (std::filesystem::temp_directory_path() / "shoal-config-XXXXXX").string();
        REQUIRE(mkdtemp(name.data()) != nullptr);
        path_ = name;
    }
    ~folder() { std::filesystem::remove_all(path_); }
    folder(const folder&) = delete;
    folder& operator=(const folder&) = delete;

    [[nodiscard]] std::string path(const char* name) const { return (path_ / name).string(); }

    [[nodiscard]] std::string file(std::string_view contents) const
    {
        std::ofstream{path("f.json"), std::ios::binary} << contents;
        return path("f.json");
    }

private:
    std::filesystem::path path_;
};

/// What load() says about these contents, without the folder's name.
std::string refusal(std::string_view contents)
{
    const folder in;
    const std::string file = in.file(contents);
    try {
        (void)load(file);
    } catch (const error& refused) {
        const std::string text = refused.what();
        REQUIRE(text.starts_with(file));
        return text.substr(file.size());
    }
    return "accepted";
}

}  // namespace

TEST_CASE("load: gives the file's JSON", "[config]")
{
    const folder in;
    CHECK(load(in.file(R"({"a": [1, {"b": "c"}], "d": {}})")) ==
          nlohmann::json{{"a", {1, {{"b", "c"}}}}, {"d", nlohmann::json::object()}});
}

TEST_CASE("load: a syntax error has its line and column", "[config]")
{
    CHECK(
        refusal("{\n  \"a\": 1,\n  \"b\" 2\n}").starts_with(":3:7: not JSON: unexpected number literal; expected ':'"));
    CHECK(refusal("{\"a\": }").starts_with(":1:7: not JSON: "));
    CHECK(refusal("").starts_with(":1:1: not JSON: unexpected end of input"));
    CHECK(refusal("{\n\"a\": 1\n").starts_with(":3:1: not JSON: unexpected end of input"));
    CHECK(refusal("{} {}").starts_with(":1:4: not JSON: "));
    CHECK(refusal("{\"a\": 1,}").starts_with(":1:9: not JSON: "));
    CHECK(refusal("// x\n{}").starts_with(":1:1: not JSON: "));
    CHECK(refusal("{\"a\": \"\xff\"}").find("ill-formed UTF-8") != std::string::npos);
    CHECK(refusal("{\"a\": 1e999}").find("number overflow") != std::string::npos);
    CHECK(refusal("{\"a\": NaN}").find(":1:7: not JSON: ") == 0);
}

TEST_CASE("load: a key that is there twice is refused with its path", "[config]")
{
    CHECK(refusal(R"({"a": 1, "b": 2, "a": 3})") == ": $: the key \"a\" is there twice");
    CHECK(refusal(R"({"x": {"r": [1, {"a": 1}, {"a": 1, "a": 1}]}})") == ": $.x.r[2]: the key \"a\" is there twice");
    CHECK(refusal(R"({"a": {}, "\u0061": {}})") == ": $: the key \"a\" is there twice");
    CHECK(refusal(R"({"a": {"a": {"a": 1}}, "b": {"a": 1}})") == "accepted");
}

TEST_CASE("load: depth and length are bounded", "[config]")
{
    CHECK(refusal(std::string(64, '[') + std::string(64, ']')) == "accepted");
    CHECK(refusal(std::string(65, '[') + std::string(65, ']')) == ": nested more than 64 deep");
    CHECK(refusal(std::string(1'000'000, '[')) == ": nested more than 64 deep");

    const std::size_t most = 16 * 1024 * 1024;
    CHECK(refusal(std::string(most, 'x')).starts_with(":1:1: not JSON"));
    CHECK(refusal(std::string(most + 1, 'x')) == ": is longer than 16777216 bytes");
}

TEST_CASE("load: what can't be read says why", "[config]")
{
    const folder in;
    const auto refused = [&in](const char* name, std::string_view why) {
        CHECK_THROWS_WITH(load(in.path(name)), fmt::format("{}: {}", in.path(name), why));
    };
    refused("absent", "can't be read: No such file or directory");
    refused(".", "is not a regular file");
    REQUIRE(mkfifo(in.path("pipe").c_str(), 0600) == 0);
    refused("pipe", "is not a regular file");  // and nobody waits for its writer
}
