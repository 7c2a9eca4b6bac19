#include "common/redis/script.hpp"

#include <boost/uuid/detail/sha1.hpp>

namespace shoal::redis {
namespace {

std::string sha1_of(std::string_view text)
{
    boost::uuids::detail::sha1 hash;
    hash.process_bytes(text.data(), text.size());
    boost::uuids::detail::sha1::digest_type words{};
    hash.get_digest(words);

    constexpr char digits[] = "0123456789abcdef";
    std::string hexadecimal;
    for (const unsigned int word : words)
        for (int shift = 28; shift >= 0; shift -= 4)
            hexadecimal += digits[(word >> static_cast<unsigned>(shift)) & 0xfU];
    return hexadecimal;
}

}  // namespace

script::script(std::string_view name, std::string_view source) : name_{name}, source_{source}, sha1_{sha1_of(source)} {}

}  // namespace shoal::redis
