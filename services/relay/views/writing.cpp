#include "services/relay/views/writing.hpp"

#include <utility>

#include <fmt/format.h>

#include "common/coherence/purge_table.hpp"

namespace shoal::relay {
namespace {

std::string_view operation_of(views::kind is) noexcept
{
    switch (is) {
    case views::kind::document: return "document";
    case views::kind::hash: return "hash";
    case views::kind::set:
    case views::kind::sorted_set: break;
    }
    return "members of";
}

std::string generation_text(std::string_view name, std::uint64_t generation)
{
    return generation == 0 ? std::string{} : fmt::format("{} {}", name, generation);
}

}  // namespace

void view_writing::clear()
{
    operations_.clear();
    tags_.clear();
    bytes_ = 0;
}

void view_writing::add(std::string_view what, std::string_view view, std::uint64_t generation, const std::string& key,
                       std::string body)
{
    bytes_ += body.size() + key.size();
    operations_.insert(operations_.end(), {std::string{what}, views::entry_key(view, generation, key),
                                           views::index_key(view, generation), key, std::move(body)});
    coherence::append_bucket(tags_, coherence::bucket_of(views::entry_tag(view, key)));
}

void view_writing::entry(const view_definition& of, std::uint64_t generation, const view_entry& what)
{
    add(what.exists ? operation_of(of.is) : "none", of.name, generation, what.key, what.body);
}

void view_writing::staged(std::string_view view, std::uint64_t generation, const std::string& key, std::string from)
{
    add("staged", view, generation, key, std::move(from));
}

void view_writing::members(std::string_view view, std::uint64_t generation, const member_changes& what)
{
    add("members", view, generation, what.key, what.pairs);
}

void view_writing::directory(std::string_view name, const views::directory_entry& now, std::uint64_t replaced,
                             std::string_view digest)
{
    operations_.insert(operations_.end(), {"view", std::string{name}, views::to_text(now),
                                           generation_text(name, replaced), std::string{digest}});
    coherence::append_bucket(tags_, coherence::bucket_of(views::view_tag(name)));
}

void view_writing::removed(std::string_view name, std::uint64_t generation)
{
    operations_.insert(operations_.end(), {"removed", std::string{name}, "", generation_text(name, generation), ""});
    coherence::append_bucket(tags_, coherence::bucket_of(views::view_tag(name)));
}

}  // namespace shoal::relay
