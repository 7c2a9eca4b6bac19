#include "services/views/handlers/conclusion.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <string_view>

#include "common/views/layout.hpp"

using namespace shoal;
using namespace shoal::views;

namespace {

constexpr coherence::stamp at{7, 3};

question asked(std::string_view query = "")
{
    return read_entry_question("v", "k", query).value();
}

reading found(entry what, kind of = kind::document, state in = state::ready)
{
    return {.epoch = 7, .of = of, .at = in, .entries = {std::move(what)}, .names = {}, .view = {}};
}

reading nothing(reading::outcome why)
{
    return {.epoch = 7, .is = why, .entries = {}, .names = {"a", "b"}, .view = "v"};
}

}  // namespace

TEST_CASE("conclusion: what was found is an answer with its tags and the position before", "[views]")
{
    const auto made = conclude(asked(), found(document{"{}"}), at);
    REQUIRE(made.has_value());
    CHECK((*made)->status() == 200);
    CHECK((*made)->body() == "{}");
    CHECK((*made)->etag().size() == 34);
    CHECK((*made)->at() == at);
    CHECK((*made)->tags().size() == 2);
    CHECK(std::ranges::count((*made)->tags(), entry_tag("v", "k")) == 1);
    CHECK(std::ranges::count((*made)->tags(), view_tag("v")) == 1);
}

TEST_CASE("conclusion: an intersection has the tags of every set in it", "[views]")
{
    const auto tags = tags_of(asked("and=w/x&and=v/y"));
    CHECK(tags.size() == 5);
    for (const auto wanted :
         {entry_tag("v", "k"), entry_tag("v", "y"), entry_tag("w", "x"), view_tag("v"), view_tag("w")})
        CHECK(std::ranges::count(tags, wanted) == 1);
}

TEST_CASE("conclusion: no such key is an answer as well, of a view that is ready", "[views]")
{
    const auto made = conclude(asked(), found({}), at);
    REQUIRE(made.has_value());
    CHECK((*made)->status() == 404);
    CHECK((*made)->etag().empty());
    CHECK((*made)->tags().size() == 2);
    CHECK(conclude(asked(), found({}, kind::document, state::filling), at).error().status == 503);
    CHECK(conclude(asked(), found(document{"{}"}, kind::document, state::filling), at).has_value());
}

TEST_CASE("conclusion: what was read under another epoch is none", "[views]")
{
    auto other = found(document{"{}"});
    other.epoch = 8;
    CHECK(conclude(asked(), other, at).error().status == 503);
    auto unknown = nothing(reading::outcome::unknown);
    unknown.epoch = 8;
    CHECK(conclude(asked(), unknown, at).error().status == 503);
}

TEST_CASE("conclusion: parts are of sets, and scores of sorted ones", "[views]")
{
    CHECK(conclude(asked("limit=5"), found(document{"{}"}), at).error().status == 400);
    CHECK(conclude(asked("order=asc"), found(fields{}, kind::hash), at).error().status == 400);
    CHECK(conclude(asked("limit=5&order=desc"), found(members{}, kind::set), at).has_value());
    CHECK(conclude(asked("from=1"), found(members{}, kind::set), at).error().status == 400);
    CHECK(conclude(asked("from=1&to=2"), found(members{}, kind::sorted_set), at).has_value());
}

TEST_CASE("conclusion: each reason has its status", "[views]")
{
    using is = reading::outcome;
    for (const auto& [why, status] :
         {std::pair{is::unattended, 503U}, std::pair{is::unknown, 404U}, std::pair{is::failed, 503U},
          std::pair{is::large, 422U}, std::pair{is::kind, 400U}, std::pair{is::filling, 503U},
          std::pair{is::many, 422U}})
        CHECK(conclude(asked(), nothing(why), at).error().status == status);
    CHECK(conclude(asked(), nothing(is::unknown), at).error().detail.find("a, b") != std::string::npos);
}
