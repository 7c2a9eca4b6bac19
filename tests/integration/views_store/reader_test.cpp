#include "services/views/store/reader.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <limits>
#include <random>
#include <string>
#include <variant>
#include <vector>

#include "tests/integration/views_store/world.hpp"

using namespace shoal;
using namespace shoal::test;
using views::reading;

namespace {

const views::members& members_of(const reading& from)
{
    REQUIRE(from.is == reading::outcome::found);
    REQUIRE(from.entries.size() == 1);
    return std::get<views::members>(from.entries.front());
}

using scored = std::pair<std::string, double>;

/// As Redis orders them.
bool before(const scored& a, const scored& b)
{
    return a.second != b.second ? a.second < b.second : a.first < b.first;
}

/// Goes through all pages; `between` is called after each.
std::vector<scored> walk(
    views_world& world, const std::string& key, const std::string& query, const std::function<void()>& between = [] {})
{
    std::vector<scored> made;
    std::string after;
    while (true) {
        const auto found = world.entry("z", key, query + after);
        const auto& part = members_of(found);
        made.insert(made.end(), part.all.begin(), part.all.end());
        if (!part.more) return made;
        REQUIRE_FALSE(part.all.empty());
        after = "&after=" + to_text(views::cursor{part.all.back().second, part.all.back().first});
        between();
    }
}

}  // namespace

TEST_CASE("views in redis: entries of each kind", "[views]")
{
    views_world world;
    world.view("d", "document");
    world.view("h", "hash");
    (void)world.command({"SET", "{cache}:view:d:1:a,b", "{}"});
    (void)world.command({"HSET", "{cache}:view:h:1:a", "y", "2", "x", "1"});
    const auto text = world.entry("d", "a,b");
    CHECK(text.epoch == world.epoch);
    CHECK(std::get<views::document>(text.entries.at(0)).text == "{}");
    const auto hash = world.entry("h", "a");
    CHECK(std::get<views::fields>(hash.entries.at(0)).all ==
          std::vector<std::pair<std::string, std::string>>{{"x", "1"}, {"y", "2"}});
    CHECK(std::holds_alternative<std::monostate>(world.entry("d", "a").entries.at(0)));
    CHECK(std::holds_alternative<std::monostate>(world.entry("h", "b").entries.at(0)));
    const auto all = world.several("d", "key=x&key=a,b");
    CHECK(std::holds_alternative<std::monostate>(all.entries.at(0)));
    CHECK(std::holds_alternative<views::document>(all.entries.at(1)));
}

TEST_CASE("views in redis: nothing is read of a view that does not count", "[views]")
{
    views_world world;
    CHECK(world.entry("d", "a").is == reading::outcome::unknown);
    // A relay that has attached, and not said yet which there are.
    (void)world.command({"HDEL", "{cache}:purge:relay", "viewed"});
    CHECK(world.entry("d", "a").is == reading::outcome::unattended);
    (void)world.command({"HSET", "{cache}:purge:relay", "viewed", "0/2"});
    world.view("d", "document", "failed");
    world.view("c", "document", "filling");
    CHECK(world.entry("d", "a").is == reading::outcome::failed);
    const auto unknown = world.entry("x", "a");
    CHECK(unknown.names == std::vector<std::string>{"c", "d"});
    CHECK(unknown.view == "x");
    CHECK(world.entry("c", "a").at == views::state::filling);
    // Of an epoch before this one.
    (void)world.command({"HSET", "{cache}:views", "d", "document 1 ready " + std::to_string(world.epoch - 1)});
    CHECK(world.entry("d", "a").is == reading::outcome::unattended);
    // The relay was attached under another one.
    (void)world.command({"HSET", "{cache}:purge:relay", "epoch", std::to_string(world.epoch - 1)});
    CHECK(world.entry("c", "a").is == reading::outcome::unattended);
    CHECK(world.entry("x", "a").is == reading::outcome::unattended);
}

TEST_CASE("views in redis: the directory, and what counts of it", "[views]")
{
    views_world world;
    world.view("b", "set", "filling");
    (void)world.command({"HSET", "{cache}:views", "a", "hash 7 ready 1"});
    (void)world.command({"SADD", "{cache}:view:b:1", "x", "y"});
    const auto found = world.list();
    REQUIRE(found.views.size() == 2);
    CHECK(found.views[0].name == "a");
    CHECK_FALSE(found.views[0].counts);
    CHECK(found.views[1].entries == 2);
    CHECK(found.views[1].counts);
    (void)world.command({"FLUSHALL"});
    CHECK(world.list().views.empty());
    CHECK(world.list().epoch > world.epoch);
}

TEST_CASE("views in redis: a new run of the server is another epoch", "[views]")
{
    views_world world;
    world.view("d", "document");
    (void)world.command({"SET", "{cache}:view:d:1:a", "{}"});
    (void)world.command({"HSET", "{cache}:purge:head", "run", "another"});
    const auto found = world.entry("d", "a");
    CHECK(found.epoch > world.epoch);
    CHECK(found.is == reading::outcome::unattended);
}

TEST_CASE("views in redis: pages are by score and then by the bytes of the member", "[views]")
{
    const auto seed = std::random_device{}();
    CAPTURE(seed);
    std::mt19937_64 random{seed};
    views_world world;
    world.view("z", "sorted_set");
    for (int game = 0; game < 30; ++game) {
        std::map<std::string, double> all;
        const auto size = 1 + random() % 60;
        while (all.size() < size) {
            std::string member;
            for (auto left = random() % 4; left > 0; --left) member.push_back("aB\xC3\xA9\0z"[random() % 6]);
            all[member] = static_cast<double>(random() % 5) / 2 - 1;
        }
        world.scores("z", "k", all);
        std::vector<scored> wanted{all.begin(), all.end()};
        std::ranges::sort(wanted, before);
        const auto limit = "limit=" + std::to_string(1 + random() % 10);
        CHECK(walk(world, "k", limit) == wanted);
        std::ranges::reverse(wanted);
        CHECK(walk(world, "k", limit + "&order=desc") == wanted);
        std::erase_if(wanted, [](const scored& one) { return one.second < -0.5 || one.second > 0.5; });
        CHECK(walk(world, "k", limit + "&order=desc&from=-0.5&to=0.5") == wanted);
        std::ranges::reverse(wanted);
        CHECK(walk(world, "k", limit + "&from=-0.5&to=0.5") == wanted);
    }
}

TEST_CASE("views in redis: what stays is on exactly one page, whatever comes and goes meanwhile", "[views]")
{
    const auto seed = std::random_device{}();
    CAPTURE(seed);
    std::mt19937_64 random{seed};
    views_world world;
    world.view("z", "sorted_set");
    for (int game = 0; game < 20; ++game) {
        std::map<std::string, double> all;
        for (int i = 0; i < 60; ++i) all[std::to_string(random() % 1000)] = static_cast<double>(random() % 3);
        world.scores("z", "k", all);
        auto stayed = all;
        const bool down = random() % 2 == 0;
        const auto seen = walk(world, "k", down ? "limit=7&order=desc" : "limit=7", [&] {
            for (int i = 0; i < 4; ++i) {
                const auto member = std::to_string(random() % 1000);
                stayed.erase(member);
                all.erase(member);
                if (random() % 2 == 0) all[member] = static_cast<double>(random() % 3);
            }
            // And often the very one that the next page begins after.
            world.scores("z", "k", all);
        });
        for (const auto& one : stayed) CHECK(std::ranges::count(seen, scored{one}) == 1);
    }
}

TEST_CASE("views in redis: a page goes on after a member that is gone", "[views]")
{
    views_world world;
    world.view("z", "set");
    world.scores("z", "k", {{"a", 0}, {"b", 0}, {"c", 0}});
    const auto found = world.entry("z", "k", "limit=2");
    CHECK(members_of(found).more);
    world.scores("z", "k", {{"a", 0}, {"aa", 0}, {"c", 0}, {"d", 0}});
    const auto rest = world.entry("z", "k", "limit=2&after=" + to_text(views::cursor{0, "b"}));
    CHECK(members_of(rest).all == std::vector<scored>{{"c", 0}, {"d", 0}});
    CHECK_FALSE(members_of(rest).more);
}

TEST_CASE("views in redis: scores are what they were, infinite ones too", "[views]")
{
    views_world world;
    world.view("z", "sorted_set");
    const double infinite = std::numeric_limits<double>::infinity();
    world.scores("z", "k", {{"a", -infinite}, {"b", 0.1}, {"c", 1e300}, {"d", infinite}});
    const std::vector<scored> all{{"a", -infinite}, {"b", 0.1}, {"c", 1e300}, {"d", infinite}};
    CHECK(walk(world, "k", "limit=1") == all);
    CHECK(members_of(world.entry("z", "k", "from=-inf&to=inf")).all == all);
    CHECK(members_of(world.entry("z", "k", "from=inf")).all == std::vector<scored>{{"d", infinite}});
}

TEST_CASE("views in redis: an intersection has what all have, as the first has it", "[views]")
{
    const auto seed = std::random_device{}();
    CAPTURE(seed);
    std::mt19937_64 random{seed};
    views_world world;
    world.view("z", "sorted_set");
    world.view("s", "set");
    for (int game = 0; game < 20; ++game) {
        std::map<std::string, double> first;
        std::map<std::string, double> other;
        for (int i = 0; i < 50; ++i) {
            first[std::to_string(random() % 60)] = static_cast<double>(random() % 4);
            other[std::to_string(random() % 60)] = 0;
        }
        world.scores("z", "k", first);
        world.scores("s", "o", other);
        std::vector<scored> wanted;
        for (const auto& one : first)
            if (other.contains(one.first)) wanted.emplace_back(one);
        std::ranges::sort(wanted, before);
        CHECK(walk(world, "k", "limit=5&and=s/o") == wanted);
        CHECK(walk(world, "k", "limit=5&and=s/o&and=z/k") == wanted);
        std::ranges::reverse(wanted);
        CHECK(walk(world, "k", "limit=5&order=desc&and=s/o") == wanted);
    }
    CHECK(*world.command({"EXISTS", "{cache}:views:intersection"}).integer() == 0);
}

TEST_CASE("views in redis: what an intersection can't be made of", "[views]")
{
    views_world world;
    world.view("z", "sorted_set");
    world.view("f", "set", "filling");
    world.view("d", "document");
    world.scores("z", "k", {{"a", 1}});
    CHECK(std::holds_alternative<std::monostate>(world.entry("z", "none", "and=z/k").entries.at(0)));
    CHECK(members_of(world.entry("z", "k", "and=z/none")).all.empty());
    CHECK(world.entry("z", "k", "and=f/none").is == reading::outcome::filling);
    CHECK(world.entry("z", "k", "and=d/x").is == reading::outcome::kind);
    CHECK(world.entry("z", "k", "and=x/x").view == "x");
    std::map<std::string, double> large;
    for (int i = 0; i < 50'001; ++i) large[std::to_string(i)] = i;
    world.scores("z", "large", large);
    CHECK(world.entry("z", "large", "and=z/large").is == reading::outcome::many);
    CHECK(members_of(world.entry("z", "large", "and=z/k")).all.empty());
    large.erase("0");
    world.scores("z", "large", large);
    CHECK(members_of(world.entry("z", "large", "and=z/large&limit=1000")).all.size() == 1000);
}

TEST_CASE("views in redis: an answer has a bound", "[views]")
{
    views_world world;
    world.view("d", "document");
    for (int i = 0; i < 9; ++i)
        (void)world.command({"SET", "{cache}:view:d:1:" + std::to_string(i), std::string(1 << 20, 'x')});
    CHECK(world.several("d", "key=0&key=1&key=2&key=3&key=4&key=5&key=6&key=7").is == reading::outcome::found);
    CHECK(world.several("d", "key=0&key=1&key=2&key=3&key=4&key=5&key=6&key=7&key=8").is == reading::outcome::large);
}
