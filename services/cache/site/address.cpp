#include "services/cache/site/address.hpp"

#include <algorithm>
#include <charconv>

namespace shoal::cache {
namespace {

constexpr unsigned mapped_bits = 96;

/// The whole of `text` as a number of at most `most_digits` digits; leading zeros count.
std::optional<unsigned> number(std::string_view text, int base, std::size_t most_digits) noexcept
{
    unsigned value = 0;
    if (text.empty() || text.size() > most_digits) return std::nullopt;
    const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    if (wrong != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

bool read_ipv4(std::string_view text, std::uint8_t* into) noexcept
{
    for (int i = 0; i < 4; ++i) {
        const auto end = i < 3 ? text.find('.') : text.size();
        if (end == std::string_view::npos) return false;
        const auto part = text.substr(0, end);
        const auto value = number(part, 10, 3);
        if (!value || *value > 255 || (part.size() > 1 && part.front() == '0')) return false;
        into[i] = static_cast<std::uint8_t>(*value);
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return true;
}

/// Groups with ':' between them, the last perhaps an IPv4 address. Bytes read, at most 16; nothing when malformed.
std::optional<std::size_t> read_groups(std::string_view text, std::uint8_t* into) noexcept
{
    std::size_t size = 0;
    while (!text.empty()) {
        const auto end = std::min(text.find(':'), text.size());
        const auto group = text.substr(0, end);
        if (end == text.size() && group.find('.') != std::string_view::npos) {
            if (size > 12 || !read_ipv4(group, into + size)) return std::nullopt;
            return size + 4;
        }
        const auto value = number(group, 16, 4);
        if (!value || size > 14) return std::nullopt;
        into[size++] = static_cast<std::uint8_t>(*value >> 8U);
        into[size++] = static_cast<std::uint8_t>(*value & 0xffU);
        if (end == text.size()) break;
        text.remove_prefix(end + 1);
        if (text.empty()) return std::nullopt;
    }
    return size;
}

std::optional<address> read_ipv6(std::string_view text) noexcept
{
    address whole{};
    const auto gap = text.find("::");
    if (gap == std::string_view::npos) {
        if (read_groups(text, whole.data()) != std::optional<std::size_t>{16}) return std::nullopt;
        return whole;
    }
    address tail{};
    const auto before = read_groups(text.substr(0, gap), whole.data());
    const auto after = read_groups(text.substr(gap + 2), tail.data());
    const bool mixed = text.substr(0, gap).find('.') != std::string_view::npos;
    if (!before || !after || mixed || *before + *after > 14) return std::nullopt;
    std::copy_n(tail.begin(), *after, whole.end() - static_cast<std::ptrdiff_t>(*after));
    return whole;
}

}  // namespace

std::optional<address> parse_address(std::string_view text) noexcept
{
    if (text.find(':') != std::string_view::npos) return read_ipv6(text);
    address mapped{};
    mapped[10] = mapped[11] = 0xff;
    if (!read_ipv4(text, mapped.data() + 12)) return std::nullopt;
    return mapped;
}

std::optional<address_block> address_block::parse(std::string_view text) noexcept
{
    const auto slash = std::min(text.find('/'), text.size());
    const auto prefix = parse_address(text.substr(0, slash));
    if (!prefix) return std::nullopt;
    const unsigned before = text.substr(0, slash).find(':') == std::string_view::npos ? mapped_bits : 0;

    address_block made;
    made.prefix_ = *prefix;
    if (slash == text.size()) return made;
    const auto bits = number(text.substr(slash + 1), 10, 3);
    if (!bits || *bits > 128 - before) return std::nullopt;
    made.bits_ = before + *bits;
    for (unsigned bit = made.bits_; bit < 128; ++bit)
        if (((made.prefix_[bit / 8] >> (7 - bit % 8)) & 1U) != 0) return std::nullopt;
    return made;
}

bool address_block::contains(const address& one) const noexcept
{
    const auto whole = static_cast<std::ptrdiff_t>(bits_ / 8);
    if (!std::equal(prefix_.begin(), prefix_.begin() + whole, one.begin())) return false;
    if (bits_ % 8 == 0) return true;
    const auto differing = static_cast<unsigned>(prefix_[bits_ / 8] ^ one[bits_ / 8]);
    return (differing >> (8 - bits_ % 8)) == 0;
}

bool is_listed(std::string_view text, std::span<const listed_block> list) noexcept
{
    const auto one = parse_address(text);
    return one && std::ranges::any_of(list, [&one](const auto& listed) { return listed.addresses.contains(*one); });
}

}  // namespace shoal::cache
