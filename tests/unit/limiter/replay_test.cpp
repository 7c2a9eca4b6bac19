// A real access log in simulated time, against a computation so simple that it can be checked by eye.

#include "services/limiter/gcra.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

using namespace shoal::limiter;

namespace {

struct entry {
    std::int64_t second = 0;
    std::string client;
};

std::filesystem::path log_file()
{
    const char* const data = std::getenv("SHOAL_DATA");
    const std::filesystem::path beside = std::filesystem::path{__FILE__}.parent_path() / "../../../../shared/data";
    return (data != nullptr ? std::filesystem::path{data} : beside) / "access.log.gz";
}

/// The combined log format: ADDRESS - USER [17/May/2015:10:05:03 +0000] "REQUEST" ...
entry parse(const std::string& line)
{
    std::tm time{};
    const auto bracket = line.find('[');
    REQUIRE(bracket != std::string::npos);
    REQUIRE(strptime(line.c_str() + bracket + 1, "%d/%b/%Y:%H:%M:%S +0000", &time) != nullptr);
    return {.second = timegm(&time), .client = line.substr(0, line.find(' '))};
}

std::vector<entry> read_log(const std::filesystem::path& file)
{
    const std::string command = "gzip -dc '" + file.string() + "'";
    const std::unique_ptr<FILE, int (*)(FILE*)> pipe{popen(command.c_str(), "r"), pclose};
    REQUIRE(pipe != nullptr);
    std::vector<entry> entries;
    std::string line;
    std::array<char, 4096> part{};
    while (std::fgets(part.data(), static_cast<int>(part.size()), pipe.get()) != nullptr) {
        line += part.data();
        if (line.back() != '\n') continue;
        entries.push_back(parse(line));
        line.clear();
    }
    std::stable_sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
    return entries;
}

/// A bucket of `size` tokens that gets one each `refill` seconds.
struct bucket {
    std::int64_t tokens = 0;
    std::int64_t since = 0;

    bool take(std::int64_t size, std::int64_t refill, std::int64_t now)
    {
        const std::int64_t made = (now - since) / refill;
        tokens += made;
        since += made * refill;
        if (tokens >= size) {
            tokens = size;
            since = now;
        }
        if (tokens == 0) return false;
        --tokens;
        return true;
    }
};

}  // namespace

TEST_CASE("replay: a real access log gets the verdicts of a token bucket, line by line", "[limiter]")
{
    const auto file = log_file();
    if (!std::filesystem::exists(file)) {
        WARN("skipped: " << file << " is not there; the real access log is not part of the project");
        return;
    }
    const auto entries = read_log(file);
    REQUIRE(entries.size() == 10'000);
    const auto [per_minute, some_are_refused] =
        GENERATE(table<std::int64_t, bool>({{60, false}, {6, true}, {2, true}}));
    const auto by = make_rate(per_minute, 60'000'000, per_minute);
    std::map<std::string, std::optional<cell>> cells;
    std::map<std::string, bucket> buckets;
    std::size_t refused = 0;
    for (std::size_t i = 0; i < entries.size(); ++i) {
        const auto& [second, client] = entries[i];
        auto& stored = cells[client];
        const auto made = decide(by, stored, {.cost = 1}, second * 1'000'000);
        if (made.granted) stored = made.after;
        const bool wanted = buckets.try_emplace(client, bucket{per_minute, second})
                                .first->second.take(per_minute, 60 / per_minute, second);
        CAPTURE(i, client, second, per_minute);
        REQUIRE(made.granted == wanted);
        refused += made.granted ? 0U : 1U;
    }
    REQUIRE((refused > 0) == some_are_refused);
}
