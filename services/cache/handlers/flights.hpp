#pragma once
// The fills that are under way, by key: so that who asks for the same waits for one.

#include <string>
#include <vector>

#include <boost/unordered/unordered_map.hpp>

#include "services/cache/coherence.hpp"
#include "services/cache/handlers/ask.hpp"
#include "services/cache/handlers/fill.hpp"

namespace shoal::cache {

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

private:
    boost::unordered_map<std::string, std::vector<fill_ptr>> by_key_;
};

}  // namespace shoal::cache
