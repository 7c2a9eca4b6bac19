#include "services/relay/protocol/byte_reader.hpp"

namespace shoal::relay {

void byte_reader::fail() noexcept
{
    failed_ = true;
    rest_ = {};
}

std::string_view byte_reader::bytes(std::size_t size) noexcept
{
    if (size > rest_.size()) {
        fail();
        return {};
    }
    const auto made = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return made;
}

std::string_view byte_reader::text() noexcept
{
    const auto size = rest_.find('\0');
    if (size == std::string_view::npos) {
        fail();
        return {};
    }
    const auto made = rest_.substr(0, size);
    rest_.remove_prefix(size + 1);
    return made;
}

bool byte_reader::flag() noexcept
{
    const auto made = number<std::uint8_t>();
    if (made > 1) fail();
    return made == 1;
}

std::size_t byte_reader::count16(std::size_t most) noexcept
{
    const auto made = number<std::int16_t>();
    if (made >= 0 && static_cast<std::size_t>(made) <= most) return static_cast<std::size_t>(made);
    fail();
    return 0;
}

std::size_t byte_reader::count32() noexcept
{
    const auto made = number<std::int32_t>();
    if (made >= 0) return static_cast<std::size_t>(made);
    fail();
    return 0;
}

}  // namespace shoal::relay
