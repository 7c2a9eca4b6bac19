#include "services/cache/site/folding.hpp"

#include <catch2/catch.hpp>

using namespace shoal::cache;

namespace {

std::string encoding(const char* asked, const std::vector<std::string>& offered = {"br", "gzip"})
{
    const std::vector<field_view> fields{{"Accept", "*/*"}, {"accept-encoding", asked}};
    return fold_encoding(fields, offered);
}

std::string language(const char* asked, const std::vector<std::string>& offered = {"en", "sv", "pt-BR"})
{
    const std::vector<field_view> fields{{"accept-language", asked}};
    return fold_language(fields, offered);
}

}  // namespace

TEST_CASE("folding: those codings that the client accepts, in the origin's order", "[cache]")
{
    const auto [asked, folded] = GENERATE(table<const char*, const char*>({
        {"gzip, deflate, br", "br, gzip"},
        {"br;q=0.1, gzip;q=1.0", "br, gzip"},
        {"GZIP", "gzip"},
        {"x-gzip", "gzip"},
        {"gzip;q=0, br", "br"},
        {"gzip;q=0.000", "identity"},
        {"gzip;q=0.001", "gzip"},
        {"deflate, zstd", "identity"},
        {"", "identity"},
        {"identity", "identity"},
        {"*", "br, gzip"},
        {"*;q=0, gzip", "gzip, identity;q=0"},
        {"br;q=0, *", "gzip"},
        {"identity;q=0, gzip", "gzip, identity;q=0"},
        {"identity;q=0", "identity;q=0"},
        {"*;q=0", "identity;q=0"},
        {"identity;q=1, *;q=0", "identity"},
        {" gzip\t;\tq=1 ,, br", "br, gzip"},
        {"gzip;Q=0.5", "gzip"},
        {"gzip;q=2, br;q=-1", "identity"},
        {"gzip;q=0.1234, br;level=1", "identity"},
        {"gzip;q=", "identity"},
        {"gzip;q=1.001", "identity"},
        {"gzipped, brotli", "identity"},
    }));
    CAPTURE(asked);
    REQUIRE(encoding(asked) == folded);
}

TEST_CASE("folding: lines of one name are one list; without a line nothing is encoded", "[cache]")
{
    const std::vector<field_view> fields{{"Accept-Encoding", "gzip"}, {"Accept-Encoding", "br"}};
    REQUIRE(fold_encoding(fields, {"br", "gzip"}) == "br, gzip");
    REQUIRE(fold_encoding({}, {"br", "gzip"}) == "identity");
}

TEST_CASE("folding: the language that the client likes best", "[cache]")
{
    const auto [asked, folded] = GENERATE(table<const char*, const char*>({
        {"sv", "sv"},
        {"SV-se", "sv"},
        {"pt", "pt-BR"},
        {"pt-PT", "en"},
        {"pt-BR-x-y", "pt-BR"},
        {"de, sv;q=0.3, en;q=0.2", "sv"},
        {"en;q=0.5, sv;q=0.5", "en"},
        {"sv;q=0.5, en;q=0.5", "sv"},
        {"en;q=0, sv;q=0", "en"},
        {"en;q=0, *", "sv"},
        {"*", "en"},
        {"*;q=0.1, sv;q=0.2", "sv"},
        {"en-GB;q=0, en", "en"},
        {"english, s, svenska", "en"},
        {"", "en"},
        {"sv;q=x", "en"},
    }));
    CAPTURE(asked);
    REQUIRE(language(asked) == folded);
}

TEST_CASE("folding: a field of thousands of members costs a bounded look", "[cache]")
{
    std::string many;
    for (int i = 0; i < 10'000; ++i) many += "aa,";
    REQUIRE(encoding((many + "gzip").c_str()) == "identity");
    REQUIRE(encoding(("gzip," + many).c_str()) == "gzip");
    REQUIRE(language((many + "sv").c_str()) == "en");
}

TEST_CASE("folding: what is folded is folded to itself", "[cache]")
{
    for (const auto* const asked : {"gzip, br", "gzip", "deflate", "*;q=0, br", "identity;q=0"}) {
        const auto once = encoding(asked);
        CAPTURE(asked, once);
        REQUIRE(encoding(once.c_str()) == once);
    }
    REQUIRE(language("pt-BR") == "pt-BR");
}
