// What one message of the stream does.

#include <utility>

#include "common/coherence/purge_table.hpp"
#include "common/coherence/tags.hpp"
#include "common/log/log.hpp"
#include "common/metrics/metrics.hpp"
#include "services/relay/handlers/feed.hpp"

namespace shoal::relay {
namespace {

std::string packed(const std::vector<std::string>& tags)
{
    std::string buckets;
    for (const auto& each : tags)
        coherence::append_bucket(buckets,
                                 coherence::bucket_of(coherence::tag_of(coherence::tag_kind::surrogate, "", each)));
    return buckets;
}

}  // namespace

result<void> feed::take(const message& what)
{
    if (const auto* one = std::get_if<begin>(&what)) {
        collector_->clear();
        xid_ = one->xid;
    } else if (const auto* known = std::get_if<relation>(&what)) {
        return take(*known);
    } else if (const auto* added = std::get_if<insert>(&what)) {
        return take_change(*added);
    } else if (const auto* changed_row = std::get_if<update>(&what)) {
        return take_change(*changed_row);
    } else if (const auto* removed = std::get_if<remove>(&what)) {
        return take_change(*removed);
    } else if (const auto* emptied = std::get_if<truncate>(&what)) {
        return take(*emptied);
    } else if (const auto* committed = std::get_if<commit>(&what)) {
        return take(*committed);
    }
    return boost::system::in_place_value;
}

result<void> feed::take(relation what)
{
    for (const auto& misfit : tables_->bind(what)) on_.log.error("a rule does not fit its table", {{"why", misfit}});
    return relations_.remember(std::move(what));
}

template <class Change>
result<void> feed::take_change(const Change& what)
{
    const auto of = relations_.table_of(what);
    if (!of) return of.error();
    collector_->add(**of, what);
    return boost::system::in_place_value;
}

result<void> feed::take(const truncate& what)
{
    for (const auto id : what.relations) {
        const auto* const of = relations_.find(id);
        if (of == nullptr) return errc::database_malformed;
        collector_->truncate(*of);
    }
    return boost::system::in_place_value;
}

result<void> feed::take(const commit& what)
{
    const auto found = collector_->take();
    counts_.transactions.add();
    counts_.rows.add(found.rows);
    counts_.collapsed.add(found.collapsed);
    counts_.unknown.add(found.unknown);
    progress_.received(xid_, what.end, {packed(found.hard), packed(found.soft)});
    changed();
    return boost::system::in_place_value;
}

}  // namespace shoal::relay
