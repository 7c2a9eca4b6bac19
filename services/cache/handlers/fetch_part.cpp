// What a 206 brings is kept as a part of the whole, under its strong ETag (RFC 9111, 3.3 and 3.4).

#include "common/core/ascii.hpp"
#include "services/cache/handlers/fetch.hpp"
#include "services/cache/memory/partial.hpp"
#include "services/cache/protocol/conditional.hpp"
#include "services/cache/protocol/fields.hpp"
#include "services/cache/protocol/range.hpp"

namespace shoal::cache {

void fetch::keep_part()
{
    const auto range = protocol::parse_content_range(protocol::find(fields_, "Content-Range").value_or(""));
    if (!range || !range->length || range->part.length() != into_->received()) return;
    if (!protocol::is_strong(parts_.etag) || *range->length > what_.at->of().max_object) return;
    std::erase_if(fields_, [](const field_view& one) { return iequals(one.name, "Content-Range"); });
    const auto head = stored::make(with_head(200, *range->length));
    if (with_.log.judge(head->since(), head->tags()) != standing::current) return;

    partial::part more{.first = range->part.first, .bytes = {into_->pieces().begin(), into_->pieces().end()}};
    const auto known = with_.l1.find_partial(what_.key, what_);
    // What was purged would make the whole as old as itself.
    const bool usable = known && with_.log.judge(known->head()->since(), known->head()->tags()) == standing::current;
    auto made = usable ? known->with(head, *range->length, more) : nullptr;
    if (!made) made = partial::make(head, *range->length)->with(head, *range->length, more);
    if (!made) return;
    if (auto whole = made->complete()) {
        with_.l2.put(whole);
        with_.l1.insert(whole);
    } else {
        with_.l1.insert(made);
    }
}

}  // namespace shoal::cache
