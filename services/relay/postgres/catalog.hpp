#pragma once
// What the catalog says of the tables that rules are about, and of the publication.

#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "services/relay/postgres/database.hpp"
#include "services/relay/rules/review.hpp"
#include "services/relay/rules/rules.hpp"

namespace shoal::relay {

struct catalog {
    bool has_publication = false;
    /// One for each rule, in their order. Without a publication the tables are as if a perfect one had them all.
    std::vector<table_facts> tables;
};

/// Of PostgreSQL 14 to 17. Locks nothing, and needs no right but to connect. `of` lives until it is there.
[[nodiscard]] boost::asio::awaitable<result<catalog>> read_catalog(database& from, std::string publication,
                                                                   const rules& of);

}  // namespace shoal::relay
