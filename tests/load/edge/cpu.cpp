#include "tests/load/edge/cpu.hpp"

#include <fmt/format.h>

#include <dirent.h>

#include <fstream>
#include <memory>
#include <utility>

#include "tests/load/domain/bad_input.hpp"

namespace shoal::load {
namespace {

/// The folders of a process's threads; none when it is not there.
std::vector<std::string> threads(pid_t pid)
{
    const std::string folder = fmt::format("/proc/{}/task", pid);
    const std::unique_ptr<DIR, int (*)(DIR*)> tasks{opendir(folder.c_str()), closedir};
    std::vector<std::string> found;
    if (!tasks) return found;
    while (const dirent* const entry = readdir(tasks.get()))
        if (entry->d_name[0] != '.')
            found.push_back(fmt::format("{}/{}", folder, static_cast<const char*>(entry->d_name)));
    return found;
}

std::vector<pid_t> children(pid_t pid)
{
    std::vector<pid_t> found;
    for (const auto& thread : threads(pid)) {
        std::ifstream file{thread + "/children"};
        for (pid_t child = 0; file >> child;) found.push_back(child);
    }
    return found;
}

}  // namespace

std::optional<std::chrono::nanoseconds> cpu_time(pid_t pid)
{
    std::optional<std::chrono::nanoseconds> sum;
    for (const auto& thread : threads(pid)) {
        std::ifstream file{thread + "/schedstat"};
        std::int64_t used = 0;
        if (file >> used) sum = sum.value_or(std::chrono::nanoseconds{}) + std::chrono::nanoseconds{used};
    }
    return sum;
}

cpu_watch::cpu_watch(std::vector<watched_process> processes) : spans_(processes.size())
{
    for (auto& process : processes) {
        if (!cpu_time(process.pid))
            throw bad_input{fmt::format("--pid {}={}: there is no such process, or its time can't be read",
                                        process.name, process.pid)};
        usage one;
        one.process = std::move(process);
        all_.push_back(std::move(one));
        look(all_.size() - 1, all_.back().process.pid, true);
    }
}

void cpu_watch::look(std::size_t at, pid_t pid, bool first)
{
    const auto now = cpu_time(pid);
    if (!now) return;
    // One that was forked meanwhile has used all its time since the beginning.
    auto& seen = spans_[at].try_emplace(pid, span{first ? *now : std::chrono::nanoseconds{}, {}}).first->second;
    seen.now = *now;
    for (const pid_t child : children(pid)) look(at, child, first);
}

void cpu_watch::update()
{
    for (std::size_t i = 0; i < all_.size(); ++i) {
        usage& one = all_[i];
        if (one.ended) continue;
        look(i, one.process.pid, false);
        one.ended = !cpu_time(one.process.pid);
        one.used = {};
        for (const auto& [pid, seen] : spans_[i]) one.used += seen.now - seen.begin;
    }
}

void cpu_watch::sample(std::size_t number)
{
    update();
    for (usage& one : all_) one.samples.resize(number + 1, one.used);
}

}  // namespace shoal::load
