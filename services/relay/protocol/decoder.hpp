#pragma once
// Bytes of `pgoutput`, protocol version 1 without binary and streaming, to messages. Pure; nothing of the text is
// copied.

#include <cstddef>
#include <string_view>

#include "common/core/error.hpp"
#include "services/relay/protocol/messages.hpp"

namespace shoal::relay {

/// PostgreSQL's own bound (MaxHeapAttributeNumber).
inline constexpr std::size_t most_columns = 1600;

/// One message, whole: `database_malformed` for every byte too few or too many, every unknown letter or flag, and every
/// count or length that can't be. Views in the message point into `bytes`.
[[nodiscard]] result<message> decode(std::string_view bytes);

}  // namespace shoal::relay
