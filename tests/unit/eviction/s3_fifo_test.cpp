#include "common/eviction/s3_fifo.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <list>
#include <memory>
#include <random>
#include <unordered_map>
#include <vector>

using namespace shoal::eviction;

namespace {

/// Objects that are nothing but numbers.
class replay {
public:
    explicit replay(std::uint64_t budget) : budget_{budget} {}

    /// Whether it was there.
    bool use(std::uint32_t id, std::uint64_t bytes = 1)
    {
        if (const auto at = kept_.find(id); at != kept_.end()) {
            s3_fifo::touch(*at->second);
            return true;
        }
        while (policy_.bytes() + bytes > budget_) evict();
        auto made = std::make_unique<object>();
        made->id = id;
        policy_.insert(*made, id, bytes);
        kept_.emplace(id, std::move(made));
        return false;
    }

    std::uint32_t evict()
    {
        const auto id = static_cast<const object*>(policy_.evict())->id;
        kept_.erase(id);
        return id;
    }
    void walk(const std::function<void(std::uint32_t)>& visit)
    {
        s3_fifo::walk through{policy_};
        while (const auto* const one = static_cast<const object*>(through.next())) visit(one->id);
    }
    std::vector<std::uint32_t> walk()
    {
        std::vector<std::uint32_t> made;
        walk([&made](std::uint32_t id) { made.push_back(id); });
        return made;
    }
    /// All that the other has, as a process gets it from the one before it.
    void inherit(replay& from)
    {
        from.walk([&](std::uint32_t id) {
            auto made = std::make_unique<object>();
            made->id = id;
            const auto& one = *from.kept_.at(id);
            policy_.append(*made, id, one.bytes(), one.rank());
            kept_.emplace(id, std::move(made));
        });
    }
    void erase(std::uint32_t id)
    {
        if (const auto at = kept_.find(id); at != kept_.end()) {
            policy_.erase(*at->second);
            kept_.erase(at);
        }
    }
    void resize(std::uint32_t id, std::uint64_t bytes)
    {
        if (const auto at = kept_.find(id); at != kept_.end()) policy_.resize(*at->second, bytes);
        while (policy_.bytes() > budget_) evict();
    }

    [[nodiscard]] bool has(std::uint32_t id) const { return kept_.contains(id); }
    [[nodiscard]] const s3_fifo& policy() const { return policy_; }
    [[nodiscard]] std::uint64_t sum() const
    {
        std::uint64_t made = 0;
        for (const auto& [id, one] : kept_) made += one->bytes();
        return made;
    }
    [[nodiscard]] std::size_t size() const { return kept_.size(); }

private:
    struct object : s3_fifo::node {
        std::uint32_t id = 0;
    };

    std::uint64_t budget_;
    s3_fifo policy_;
    std::unordered_map<std::uint32_t, std::unique_ptr<object>> kept_;
};

double hit_ratio(const std::vector<std::uint32_t>& requests, std::uint64_t room)
{
    replay cache{room};
    std::size_t hits = 0;
    for (const auto id : requests) hits += cache.use(id) ? 1 : 0;
    return 100.0 * static_cast<double>(hits) / static_cast<double>(requests.size());
}

/// LRU's on the same requests, for comparison.
double lru_hit_ratio(const std::vector<std::uint32_t>& requests, std::size_t room)
{
    std::list<std::uint32_t> order;
    std::unordered_map<std::uint32_t, std::list<std::uint32_t>::iterator> kept;
    std::size_t hits = 0;
    for (const auto id : requests) {
        if (const auto at = kept.find(id); at != kept.end()) {
            order.splice(order.begin(), order, at->second);
            ++hits;
            continue;
        }
        if (kept.size() == room) {
            kept.erase(order.back());
            order.pop_back();
        }
        order.push_front(id);
        kept[id] = order.begin();
    }
    return 100.0 * static_cast<double>(hits) / static_cast<double>(requests.size());
}

std::vector<std::uint32_t> zipf(std::size_t objects, std::size_t requests, std::mt19937_64& random)
{
    std::vector<double> weights;
    for (std::size_t i = 1; i <= objects; ++i) weights.push_back(1.0 / std::pow(static_cast<double>(i), 0.8));
    std::discrete_distribution<std::uint32_t> draw{weights.begin(), weights.end()};
    std::vector<std::uint32_t> made(requests);
    for (auto& one : made) one = draw(random);
    return made;
}

std::vector<std::uint32_t> read_trace(const std::filesystem::path& file)
{
    std::vector<std::uint32_t> made;
    const std::string command = "xz -dc '" + file.string() + "'";
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> from{popen(command.c_str(), "r"), &pclose};
    REQUIRE(from);
    std::array<unsigned char, 4> b{};
    while (std::fread(b.data(), 1, b.size(), from.get()) == b.size())
        made.push_back(static_cast<std::uint32_t>(b[0] << 24U | b[1] << 16U | b[2] << 8U | b[3]));
    return made;
}

/// Beside the checkout, where there is one.
std::filesystem::path shared_data()
{
    return std::filesystem::path{__FILE__}.parent_path() / "../../../../shared/data";
}

}  // namespace

TEST_CASE("s3-fifo: the hit ratio on web07 is at least the published one", "[eviction]")
{
    const auto file = shared_data() / "web07.trace.xz";
    if (!std::filesystem::exists(file)) {
        WARN("skipped: there is no ../shared/data/web07.trace.xz");
        return;
    }
    const auto requests = read_trace(file);
    REQUIRE(requests.size() == 76'118);
    const double reached = hit_ratio(requests, 2'048);
    WARN("web07, 2,048 objects: " << reached);
    CHECK(reached >= 58.1);
}

TEST_CASE("s3-fifo: a Zipf mix hits more often than with LRU", "[eviction]")
{
    const auto seed = std::random_device{}();
    CAPTURE(seed);
    std::mt19937_64 random{seed};
    const auto requests = zipf(20'000, 200'000, random);
    CHECK(hit_ratio(requests, 2'000) > lru_hit_ratio(requests, 2'000) + 4);
}

TEST_CASE("s3-fifo: a scan does not push out what is in use", "[eviction]")
{
    replay cache{100};
    for (int round = 0; round < 3; ++round) {
        for (std::uint32_t id = 0; id < 50; ++id) cache.use(id);
    }
    for (std::uint32_t id = 1'000; id < 3'000; ++id) cache.use(id);
    std::size_t left = 0;
    for (std::uint32_t id = 0; id < 50; ++id) left += cache.has(id) ? 1 : 0;
    CHECK(left == 50);
}

TEST_CASE("s3-fifo: what comes back soon after it left stays", "[eviction]")
{
    replay cache{100};
    for (std::uint32_t id = 0; id < 150; ++id) cache.use(id);
    REQUIRE_FALSE(cache.has(0));
    cache.use(0);
    for (std::uint32_t id = 1'000; id < 1'200; ++id) cache.use(id);
    CHECK(cache.has(0));
    // Which what comes for the first time does not.
    cache.use(2'000);
    for (std::uint32_t id = 1'200; id < 1'400; ++id) cache.use(id);
    CHECK_FALSE(cache.has(2'000));
}

TEST_CASE("s3-fifo: bytes are those of what is kept, and never above the budget", "[eviction]")
{
    const auto seed = std::random_device{}();
    CAPTURE(seed);
    std::mt19937_64 random{seed};
    for (int game = 0; game < 20; ++game) {
        const std::uint64_t budget = 1'000 + random() % 100'000;
        const auto most = static_cast<std::uint64_t>(1 + random() % (budget / 8));
        replay cache{budget};
        for (int step = 0; step < 2'000; ++step) {
            const auto id = static_cast<std::uint32_t>(random() % 300);
            switch (random() % 8) {
            case 0: cache.erase(id); break;
            case 1: cache.resize(id, 1 + random() % most); break;
            default: cache.use(id, 1 + random() % most);
            }
            REQUIRE(cache.policy().bytes() <= budget);
            REQUIRE(cache.policy().bytes() == cache.sum());
            REQUIRE(cache.policy().size() == cache.size());
        }
        while (cache.size() > 0) cache.evict();
        REQUIRE(cache.policy().bytes() == 0);
    }
}

TEST_CASE("s3-fifo: a walk goes through what is worth most first", "[eviction]")
{
    replay cache{100};
    for (std::uint32_t id = 0; id < 100; ++id) cache.use(id);
    // In use: the next ones push them on into the main queue.
    for (std::uint32_t id = 0; id < 20; ++id) cache.use(id);
    for (std::uint32_t id = 100; id < 130; ++id) cache.use(id);
    const auto order = cache.walk();
    REQUIRE(order.size() == 100);
    for (std::uint32_t i = 0; i < 20; ++i) CHECK(order[i] == 19 - i);
    for (std::uint32_t i = 20; i < 100; ++i) CHECK(order[i] == 129 - (i - 20));
}

TEST_CASE("s3-fifo: what is appended in the order of a walk leaves as it would have left", "[eviction]")
{
    const auto seed = std::random_device{}();
    CAPTURE(seed);
    std::mt19937_64 random{seed};
    replay cache{200};
    for (const auto id : zipf(1'000, 5'000, random)) cache.use(id);
    replay heir{200};
    heir.inherit(cache);
    REQUIRE(heir.walk() == cache.walk());
    CHECK(heir.policy().bytes() == cache.policy().bytes());
    while (cache.size() > 0) REQUIRE(heir.evict() == cache.evict());
    CHECK(heir.size() == 0);
}

TEST_CASE("s3-fifo: a walk goes on while things come, are used, and leave", "[eviction]")
{
    const auto seed = std::random_device{}();
    CAPTURE(seed);
    std::mt19937_64 random{seed};
    for (int game = 0; game < 50; ++game) {
        replay cache{100};
        for (const auto id : zipf(300, 1'000, random)) cache.use(id);
        const auto before = cache.walk();
        std::size_t steps = 0;
        std::size_t stayed = 0;
        cache.walk([&](std::uint32_t id) {
            ++steps;
            if (std::ranges::find(before, id) != before.end()) ++stayed;
            if (random() % 4 == 0) cache.erase(id);
            if (random() % 4 == 0) cache.erase(before[random() % before.size()]);
            if (random() % 4 == 0) cache.use(static_cast<std::uint32_t>(1'000 + random() % 50));
        });
        // Each step erases or adds one at most, so that no walk is endless, nor cut short.
        REQUIRE(steps <= 2 * before.size());
        REQUIRE(stayed >= before.size() / 4);
    }
}

TEST_CASE("ghosts: count for as many turns as they are told", "[eviction]")
{
    ghosts gone;
    CHECK_FALSE(gone.forget(1));
    for (std::uint32_t id = 0; id < 100; ++id) gone.remember(id, 50);
    CHECK_FALSE(gone.forget(49));
    CHECK(gone.forget(99));
    CHECK_FALSE(gone.forget(99));

    // Hashes fill the buckets unevenly: nearly all are still known.
    std::mt19937 random{7};
    std::vector<std::uint32_t> ids(10'000);
    for (auto& id : ids) id = static_cast<std::uint32_t>(random());
    for (const auto id : ids) gone.remember(id, ids.size());
    std::size_t known = 0;
    for (const auto id : ids) known += gone.forget(id) ? 1 : 0;
    CHECK(known > ids.size() * 9 / 10);
    CHECK(gone.footprint() <= ids.size() * 32);
}
