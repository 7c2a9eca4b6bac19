#include "common/http/chunked.hpp"

#include <algorithm>
#include <cstring>
#include <string_view>

namespace shoal::http {

void chunk_decoder::decode(std::span<char> received)
{
    do {
        raw_ += coding_.read_framing({received.data() + raw_, received.size() - raw_});
        refused_ = coding_.refused();
        if (!refused_ && coding_.remaining() > body_limit_ - total_)
            refused_ = refusal{413, "too_large", "the body is too large"};
    } while (!refused_ && take_data(received));
}

/// True when it ended a chunk.
bool chunk_decoder::take_data(std::span<char> received)
{
    const auto available = received.size() - raw_;
    const auto taken = static_cast<std::size_t>(std::min<std::uint64_t>(coding_.remaining(), available));
    if (taken == 0) return false;
    std::memmove(received.data() + decoded_, received.data() + raw_, taken);
    decoded_ += taken;
    raw_ += taken;
    total_ += taken;
    coding_.took(taken);
    return coding_.remaining() == 0;
}

}  // namespace shoal::http
