#include "tests/load/edge/cpu.hpp"

#include <fmt/format.h>

#include <dirent.h>

#include <fstream>
#include <memory>
#include <utility>

#include "tests/load/domain/bad_input.hpp"

namespace shoal::load {

std::optional<std::chrono::nanoseconds> cpu_time(pid_t pid)
{
    const std::string folder = fmt::format("/proc/{}/task", pid);
    const std::unique_ptr<DIR, int (*)(DIR*)> tasks{opendir(folder.c_str()), closedir};
    if (!tasks) return std::nullopt;
    std::chrono::nanoseconds sum{};
    bool found = false;
    while (const dirent* const entry = readdir(tasks.get())) {
        if (entry->d_name[0] == '.') continue;
        std::ifstream file{fmt::format("{}/{}/schedstat", folder, static_cast<const char*>(entry->d_name))};
        std::int64_t used = 0;
        if (file >> used) {
            sum += std::chrono::nanoseconds{used};
            found = true;
        }
    }
    if (!found) return std::nullopt;
    return sum;
}

cpu_watch::cpu_watch(std::vector<watched_process> processes)
{
    for (auto& process : processes) {
        const auto now = cpu_time(process.pid);
        if (!now)
            throw bad_input{fmt::format("--pid {}={}: there is no such process, or its time can't be read",
                                        process.name, process.pid)};
        begin_.push_back(*now);
        usage one;
        one.process = std::move(process);
        all_.push_back(std::move(one));
    }
}

void cpu_watch::update()
{
    for (std::size_t i = 0; i < all_.size(); ++i) {
        if (all_[i].ended) continue;
        const auto now = cpu_time(all_[i].process.pid);
        all_[i].ended = !now;
        if (now) all_[i].used = *now - begin_[i];
    }
}

void cpu_watch::sample(std::size_t number)
{
    update();
    for (usage& one : all_) one.samples.resize(number + 1, one.used);
}

}  // namespace shoal::load
