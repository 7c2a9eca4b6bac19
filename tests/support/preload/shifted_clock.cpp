// Loaded into a program before all else: its wall clock is off by the microseconds in a file that the test maps.
// It allocates nothing: libfaketime does, and jemalloc, which Redis uses, asks for the time before it can.

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <ctime>

namespace {

constexpr std::int64_t us_per_s = 1'000'000;

using shared_offset = std::atomic<std::int64_t>;
static_assert(shared_offset::is_always_lock_free);

const shared_offset* map_offset() noexcept
{
    const char* const path = std::getenv("SHOAL_CLOCK_OFFSET");
    const int file = path == nullptr ? -1 : open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return nullptr;
    void* const mapped = mmap(nullptr, sizeof(shared_offset), PROT_READ, MAP_SHARED, file, 0);
    close(file);
    return mapped == MAP_FAILED ? nullptr : static_cast<const shared_offset*>(mapped);
}

std::int64_t offset_us() noexcept
{
    static std::atomic<const shared_offset*> mapped{nullptr};
    auto* found = mapped.load();
    if (found == nullptr) mapped.store(found = map_offset());
    return found == nullptr ? 0 : found->load();
}

}  // namespace

extern "C" {

int clock_gettime(clockid_t clock, timespec* into) noexcept
{
    const auto failed = static_cast<int>(syscall(SYS_clock_gettime, clock, into));
    if (failed != 0 || (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE)) return failed;
    const auto us = into->tv_sec * us_per_s + into->tv_nsec / 1000 + offset_us();
    into->tv_sec = us / us_per_s;
    into->tv_nsec = us % us_per_s * 1000;
    return 0;
}

int gettimeofday(timeval* __restrict into, void* __restrict) noexcept
{
    timespec now{};
    if (clock_gettime(CLOCK_REALTIME, &now) != 0) return -1;
    *into = {.tv_sec = now.tv_sec, .tv_usec = now.tv_nsec / 1000};
    return 0;
}

time_t time(time_t* into) noexcept
{
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    if (into != nullptr) *into = now.tv_sec;
    return now.tv_sec;
}
}
