#include "services/cache/audit/likeness.hpp"

#include <new>

#include <xxhash.h>

namespace shoal::cache {

bool alike(const likeness& one, const likeness& other) noexcept
{
    if (one.status != other.status) return false;
    if (!one.strong_etag.empty() && !other.strong_etag.empty()) return one.strong_etag == other.strong_etag;
    return one.length == other.length && one.hash == other.hash;
}

std::string strong_etag(std::string_view etag)
{
    return std::string{etag.starts_with("W/") ? std::string_view{} : etag};
}

body_hash::body_hash() : state_{XXH3_createState()}
{
    if (state_ == nullptr) throw std::bad_alloc{};
    XXH3_64bits_reset(static_cast<XXH3_state_t*>(state_));
}

body_hash::~body_hash()
{
    XXH3_freeState(static_cast<XXH3_state_t*>(state_));
}

void body_hash::add(std::string_view piece) noexcept
{
    XXH3_64bits_update(static_cast<XXH3_state_t*>(state_), piece.data(), piece.size());
    length_ += piece.size();
}

std::uint64_t body_hash::value() const noexcept
{
    return XXH3_64bits_digest(static_cast<const XXH3_state_t*>(state_));
}

bool tells_of_content(unsigned status, unsigned kept) noexcept
{
    return status == kept || status == 200 || status == 404 || status == 410;
}

finding judge_again(const likeness& kept, const likeness& first, const likeness& second) noexcept
{
    if (alike(kept, second)) return finding::consistent;
    return alike(first, second) ? finding::inconsistent : finding::changing;
}

}  // namespace shoal::cache
