#include "services/cache/handlers/ask.hpp"

#include <algorithm>
#include <utility>

#include "common/core/ascii.hpp"
#include "services/cache/site/forward.hpp"

namespace shoal::cache {
namespace {

/// `names` are lower case, joined by commas.
bool is_among(std::string_view names, std::string_view name) noexcept
{
    while (!names.empty()) {
        const auto end = std::min(names.find(','), names.size());
        if (iequals(names.substr(0, end), name)) return true;
        names.remove_prefix(std::min(end + 1, names.size()));
    }
    return false;
}

}  // namespace

std::vector<field_view> fields_of(const std::vector<http::header>& headers)
{
    std::vector<field_view> fields;
    fields.reserve(headers.size());
    for (const auto& one : headers) fields.push_back({one.name_text, one.value});
    return fields;
}

std::string_view ask::of(std::string_view vary)
{
    // Most answers vary with one field: the others need not be read for each hit. Connection says which don't count.
    named_.clear();
    for (const auto& one : fields)
        if (is_among(vary, one.name) || iequals(one.name, "connection")) named_.push_back(one);
    const outgoing_fields sent{method, named_, *by, cacheable};
    variant_ = protocol::variant_key(sent.view(), vary);
    return variant_;
}

void ask::read()
{
    view = protocol::read_request(method, fields);
    if (!by->client_directives) {
        const bool only_if_cached = view.directives.only_if_cached;
        view.directives = {};
        view.directives.only_if_cached = only_if_cached;
    }
    cacheable = view.may_use_stored() && !by->pass && by->caches(method) && by->may_look_up(view.has_cookie);
}

ask ask::owned_copy() const
{
    ask copy;
    copy.at = at;
    copy.by = by;
    copy.key = key;
    copy.host = host;
    copy.over = over;
    copy.received = received;
    copy.deadline = deadline;
    copy.cacheable = cacheable;
    copy.after_write = after_write;
    copy.write_not_purged = write_not_purged;
    copy.passed_for = passed_for;

    std::size_t size = method.size() + target.size();
    for (const auto& one : fields) size += one.name.size() + one.value.size();
    // Never grows again: views point into it. Not small enough to move with the object.
    copy.owned_.reserve(std::max<std::size_t>(size, 64));
    const auto keep = [&](std::string_view text) {
        const auto at_offset = copy.owned_.size();
        copy.owned_.append(text);
        return std::string_view{copy.owned_}.substr(at_offset);
    };
    copy.method = keep(method);
    copy.target = keep(target);
    copy.fields.reserve(fields.size());
    for (const auto& one : fields) {
        const auto name = keep(one.name);
        copy.fields.push_back({name, keep(one.value)});
    }
    copy.view = protocol::read_request(copy.method, copy.fields);
    copy.view.directives = view.directives;
    return copy;
}

}  // namespace shoal::cache
