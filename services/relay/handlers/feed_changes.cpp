// What one message of the stream does.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/coherence/purge_table.hpp"
#include "common/coherence/tags.hpp"
#include "common/coherence/write_token.hpp"
#include "common/log/log.hpp"
#include "common/metrics/metrics.hpp"
#include "services/relay/handlers/feed.hpp"

namespace shoal::relay {
namespace {

constexpr std::string_view token_prefix = "shoal";

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
        token_.clear();
        view_collector_->clear();
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
    } else if (const auto* said = std::get_if<emitted>(&what)) {
        take(*said);
    } else if (const auto* committed = std::get_if<commit>(&what)) {
        return take(*committed);
    }
    return boost::system::in_place_value;
}

result<void> feed::take(relation what)
{
    for (const auto& misfit : tables_->bind(what)) on_.log.error("a rule does not fit its table", {{"why", misfit}});
    if (const auto* const before = relations_.find(what.id); before != nullptr && *before != what) {
        review_wanted_ = true;
        review_pause_.cancel();
    }
    for (const auto& misfit : view_tables_->bind(what))
        on_.log.error("a view does not fit a table, all of it is void with each change", {{"why", misfit}});
    return relations_.remember(std::move(what));
}

template <class Change>
result<void> feed::take_change(const Change& what)
{
    const auto of = relations_.table_of(what);
    if (!of) return of.error();
    collector_->add(**of, what);
    view_collector_->add(**of, what);
    return boost::system::in_place_value;
}

result<void> feed::take(const truncate& what)
{
    for (const auto id : what.relations) {
        const auto* const of = relations_.find(id);
        if (of == nullptr) return errc::database_malformed;
        collector_->truncate(*of);
        view_collector_->truncate(*of);
    }
    return boost::system::in_place_value;
}

/// The last one of a transaction counts. What is emitted outside of one holds even where that is rolled back.
void feed::take(const emitted& what)
{
    if (what.transactional && what.prefix == token_prefix && coherence::is_token_name(what.content))
        token_ = what.content;
}

result<void> feed::take(const commit& what)
{
    const auto found = collector_->take();
    counts_.transactions.add();
    counts_.rows.add(found.rows);
    counts_.collapsed.add(found.collapsed);
    counts_.unknown.add(found.unknown);
    auto changes = view_collector_->take();
    progress_.received(xid_, what.end, {packed(found.hard), packed(found.soft), std::exchange(token_, {})},
                       std::move(changes.hard));
    changed();
    return boost::system::in_place_value;
}

}  // namespace shoal::relay
