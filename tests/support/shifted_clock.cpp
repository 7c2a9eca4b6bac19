#include "tests/support/shifted_clock.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <new>
#include <system_error>

namespace shoal::test {

using offset = std::atomic<std::int64_t>;

shifted_clock::shifted_clock()
{
    const int file = open(folder_.file("offset").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0 || ftruncate(file, sizeof(offset)) != 0)
        throw std::system_error(errno, std::generic_category(), "offset of a clock");
    void* const mapped = mmap(nullptr, sizeof(offset), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (mapped == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "mmap");
    offset_us_ = new (mapped) offset{0};
}

shifted_clock::~shifted_clock()
{
    munmap(offset_us_, sizeof(offset));
}

std::vector<std::string> shifted_clock::environment() const
{
    return {"LD_PRELOAD=" SHOAL_SHIFTED_CLOCK, "SHOAL_CLOCK_OFFSET=" + folder_.file("offset")};
}

}  // namespace shoal::test
