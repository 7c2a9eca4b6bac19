#pragma once
// The fills that are under way, by key: so that who asks for the same waits for one.

#include <string>
#include <vector>

#include <boost/unordered/unordered_map.hpp>

#include "services/cache/coherence.hpp"
#include "services/cache/handlers/ask.hpp"
#include "services/cache/handlers/fill.hpp"

namespace shoal::cache {

/// Whether `kept` may be validated weakly, which does not tell bytes apart: not enough for a request that names a
/// write.
[[nodiscard]] bool is_too_soft(const ask& asked, const stored& kept, const coherence_view& log);

class flights {
public:
    void add(fill_ptr one);
    /// Nobody joins it any more.
    void remove(const fill& one);

    /// A fill whose answer may turn out to be for `asked` as well, and the ticket for it.
    struct seat {
        fill_ptr in;
        fill_ticket ticket;
    };
    [[nodiscard]] seat join(ask& asked, const coherence_view& log, boot_time now) const;
    /// The last fill of the key, if one is under way.
    [[nodiscard]] fill_ptr last(const std::string& key) const;
    /// The same where two or more of the key's fills have no answer yet.
    [[nodiscard]] fill_ptr last_of_many(const std::string& key) const;

private:
    boost::unordered_map<std::string, std::vector<fill_ptr>> by_key_;
};

}  // namespace shoal::cache
