#pragma once
// Memory that a piece of a body is received into, and kept in: one allocation of just the size that was asked for.

#include <cstddef>
#include <new>

#include <boost/smart_ptr/intrusive_ptr.hpp>

#include "common/core/counted.hpp"

namespace shoal::http {

/// What was handed out is not written again.
class response_block final : public counted {
public:
    [[nodiscard]] static boost::intrusive_ptr<response_block> make(std::size_t capacity)
    {
        void* const memory = ::operator new(sizeof(response_block) + capacity);
        return new (memory) response_block{capacity};
    }

    [[nodiscard]] char* data() noexcept { return reinterpret_cast<char*>(this + 1); }
    [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
    [[nodiscard]] std::size_t footprint() const noexcept override { return sizeof *this + capacity_; }

    // The bytes behind the object belong to it.
    static void operator delete(void* memory) noexcept { ::operator delete(memory); }

private:
    explicit response_block(std::size_t capacity) noexcept : capacity_{capacity} {}
    static void* operator new(std::size_t, void* memory) noexcept { return memory; }
    static void operator delete(void*, void*) noexcept {}

    std::size_t capacity_;
};

}  // namespace shoal::http
