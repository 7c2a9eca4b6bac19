#include "services/relay/postgres/view_reader.hpp"

#include <utility>

#include "common/views/key_text.hpp"

namespace shoal::relay {
namespace {

/// Of texts that are none of a key there is no row.
std::vector<key_values> values_of(const std::vector<std::string>& texts, std::size_t columns)
{
    std::vector<key_values> made;
    for (const auto& one : texts)
        if (auto values = views::parse_key_text(one, columns)) made.push_back(*std::move(values));
    return made;
}

}  // namespace

view_reader::reply<void> view_reader::begin(std::vector<std::string> keys)
{
    const auto values = values_of(keys, of_.key.size());
    builder_.emplace(of_, shape_, std::move(keys));
    last_.clear();
    if (values.empty()) {
        last_ = builder_->finish();
        builder_.reset();
        co_return boost::system::in_place_value;
    }
    auto asked = co_await session_.ask(entries_sql(of_, shape_, values));
    co_return asked;
}

view_reader::reply<std::optional<view_entry>> view_reader::next()
{
    while (builder_) {
        const auto more = co_await session_.next();
        if (!more) co_return more.error();
        if (!*more) {
            last_ = builder_->finish();
            builder_.reset();
        } else if (auto made = builder_->add(session_.row())) {
            co_return made;
        }
    }
    if (last_.empty()) co_return std::optional<view_entry>{};
    std::optional<view_entry> made{std::move(last_.back())};
    last_.pop_back();
    co_return made;
}

view_reader::reply<std::vector<member_changes>> view_reader::members(std::vector<std::string> wanted)
{
    const auto values = values_of(wanted, of_.key.size() + 1);
    member_builder builder{of_, std::move(wanted)};
    if (values.empty()) co_return builder.finish();
    const auto asked = co_await session_.ask(members_sql(of_, shape_, values));
    if (!asked) co_return asked.error();
    for (;;) {
        const auto more = co_await session_.next();
        if (!more) co_return more.error();
        if (!*more) co_return builder.finish();
        builder.add(session_.row());
    }
}

view_reader::reply<std::optional<std::vector<std::string>>> view_reader::selected(const change_source& by,
                                                                                  std::string values)
{
    auto parameters = views::parse_key_text(values, by.columns.size());
    if (!parameters) co_return std::optional<std::vector<std::string>>{std::in_place};
    const auto asked = co_await session_.ask(by.keys, *std::move(parameters));
    if (!asked) co_return asked.error();
    std::optional<std::vector<std::string>> found{std::in_place};
    for (;;) {
        const auto more = co_await session_.next();
        if (!more) co_return more.error();
        if (!*more) co_return found;
        if (!found || session_.row().size() < of_.key.size()) continue;
        if (auto key = key_of(session_.row(), of_.key.size())) found->push_back(*std::move(key));
        if (found->size() > most_selected) found.reset();
    }
}

}  // namespace shoal::relay
