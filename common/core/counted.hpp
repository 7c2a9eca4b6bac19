#pragma once
// Shared ownership within one thread: a count that costs an addition, and no lock.

#include <cstddef>
#include <cstdint>

#include <boost/smart_ptr/intrusive_ptr.hpp>

namespace shoal {

/// A base of what boost::intrusive_ptr owns.
class counted {
public:
    counted() = default;
    counted(const counted&) = delete;
    counted& operator=(const counted&) = delete;

    [[nodiscard]] std::uint32_t owners() const noexcept { return owners_; }
    /// Bytes of the heap that it keeps, for who has a budget; 0 when it does not know.
    [[nodiscard]] virtual std::size_t footprint() const noexcept { return 0; }

protected:
    virtual ~counted() = default;

private:
    friend void intrusive_ptr_add_ref(const counted* of) noexcept { ++of->owners_; }
    friend void intrusive_ptr_release(const counted* of) noexcept
    {
        if (--of->owners_ == 0) delete of;
    }

    mutable std::uint32_t owners_ = 0;
};

/// Keeps what a view points into.
using keeper = boost::intrusive_ptr<const counted>;

}  // namespace shoal
