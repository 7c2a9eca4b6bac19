#include "services/limiter/recent.hpp"

#include <catch2/catch.hpp>

#include <string>

using shoal::limiter::recent;

namespace {

constexpr std::int64_t idle = 100;

}  // namespace

TEST_CASE("recent: what was added is found, what was not isn't", "[limiter]")
{
    recent<int> table{10, idle};
    table.find_or_add("alice", 0) = 7;
    REQUIRE(*table.find("alice", 1) == 7);
    REQUIRE(table.find("bob", 1) == nullptr);
    REQUIRE(table.find_or_add("alice", 2) == 7);
    REQUIRE(table.size() == 1);
}

TEST_CASE("recent: a new entry has a default value", "[limiter]")
{
    recent<int> table{10, idle};
    REQUIRE(table.find_or_add("alice", 0) == 0);
}

TEST_CASE("recent: a full table drops what was used least recently", "[limiter]")
{
    recent<int> table{3, idle};
    for (const auto* key : {"a", "b", "c"}) (void)table.find_or_add(key, 0);
    (void)table.find("a", 1);
    (void)table.find_or_add("d", 2);
    REQUIRE(table.size() == 3);
    REQUIRE(table.find("b", 3) == nullptr);
    REQUIRE(table.find("a", 3) != nullptr);
    REQUIRE(table.find("c", 3) != nullptr);
    REQUIRE(table.find("d", 3) != nullptr);
}

TEST_CASE("recent: what nobody used goes while others come, two for one", "[limiter]")
{
    recent<int> table{100, idle};
    for (int i = 0; i < 10; ++i) (void)table.find_or_add("old" + std::to_string(i), 0);
    (void)table.find_or_add("early", idle);
    REQUIRE(table.size() == 11);
    for (int i = 0; i < 5; ++i) (void)table.find_or_add("new" + std::to_string(i), idle + 1);
    REQUIRE(table.size() == 6);
    REQUIRE(table.find("old9", idle + 1) == nullptr);
    REQUIRE(table.find("early", idle + 1) != nullptr);
}

TEST_CASE("recent: looking an entry up keeps it", "[limiter]")
{
    recent<int> table{100, idle};
    (void)table.find_or_add("alice", 0);
    (void)table.find("alice", idle);
    (void)table.find_or_add("bob", idle + 1);
    REQUIRE(table.find("alice", idle + 1) != nullptr);
}

TEST_CASE("recent: a value stays where it is while others come and are found", "[limiter]")
{
    recent<int> table{10'000, idle};
    int& alice = table.find_or_add("alice", 0);
    for (int i = 0; i < 5000; ++i) (void)table.find_or_add("key" + std::to_string(i), 0);
    alice = 3;
    REQUIRE(*table.find("alice", 0) == 3);
}

TEST_CASE("recent: every entry is visited, and may be changed", "[limiter]")
{
    recent<int> table{10, idle};
    (void)table.find_or_add("a", 0);
    (void)table.find_or_add("b", 0);
    table.for_each([](const std::string& key, int& value) { value = key == "a" ? 1 : 2; });
    REQUIRE(*table.find("a", 0) == 1);
    REQUIRE(*table.find("b", 0) == 2);
}

TEST_CASE("recent: a key of any bytes is a key", "[limiter]")
{
    recent<int> table{10, idle};
    table.find_or_add(std::string{"\0", 1}, 0) = 1;
    table.find_or_add(std::string{"\0\0", 2}, 0) = 2;
    table.find_or_add("", 0) = 3;
    REQUIRE(table.size() == 3);
    REQUIRE(*table.find(std::string{"\0", 1}, 0) == 1);
}
