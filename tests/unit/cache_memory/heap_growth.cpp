#include "tests/unit/cache_memory/heap_growth.hpp"

#include <cstdlib>

#include <algorithm>
#include <new>

namespace {

std::int64_t in_use = 0;
std::uint64_t calls = 0;

/// Before each block, so that its size is known when it is given back; keeps malloc's alignment.
constexpr std::size_t before = 16;

/// Written down a second time, and compared with malloc itself by a test.
std::int64_t taken_for(std::size_t size)
{
    if (size >= 128 * 1024) return static_cast<std::int64_t>((size + 16 + 4095) / 4096 * 4096);
    return static_cast<std::int64_t>(std::max<std::size_t>(32, (size + 8 + 15) & ~std::size_t{15}));
}

void* allocate(std::size_t size) noexcept
{
    auto* const block = static_cast<char*>(std::malloc(size + before));
    if (block == nullptr) return nullptr;
    *reinterpret_cast<std::size_t*>(block) = size;
    in_use += taken_for(size);
    ++calls;
    return block + before;
}

void give_back(void* memory) noexcept
{
    if (memory == nullptr) return;
    char* const block = static_cast<char*>(memory) - before;
    in_use -= taken_for(*reinterpret_cast<std::size_t*>(block));
    std::free(block);
}

void* allocate_or_throw(std::size_t size)
{
    if (void* const made = allocate(size)) return made;
    throw std::bad_alloc{};
}

}  // namespace

std::int64_t shoal::test::heap_in_use() noexcept
{
    return in_use;
}

std::uint64_t shoal::test::heap_calls() noexcept
{
    return calls;
}

void* operator new(std::size_t size)
{
    return allocate_or_throw(size);
}

void* operator new[](std::size_t size)
{
    return allocate_or_throw(size);
}

void* operator new(std::size_t size, const std::nothrow_t&) noexcept
{
    return allocate(size);
}

void* operator new[](std::size_t size, const std::nothrow_t&) noexcept
{
    return allocate(size);
}

void operator delete(void* memory) noexcept
{
    give_back(memory);
}

void operator delete[](void* memory) noexcept
{
    give_back(memory);
}

void operator delete(void* memory, std::size_t) noexcept
{
    give_back(memory);
}

void operator delete[](void* memory, std::size_t) noexcept
{
    give_back(memory);
}
