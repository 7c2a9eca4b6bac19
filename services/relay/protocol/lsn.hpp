#pragma once
// Positions in PostgreSQL's log, as everything of the relay names them.

#include "common/coherence/lsn.hpp"

namespace shoal::relay {

using coherence::format_lsn;
using coherence::lsn;
using coherence::parse_lsn;

}  // namespace shoal::relay
