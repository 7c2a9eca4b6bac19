#pragma once
// What one script writes of views: changes of entries and of the directory, and the tags that are purged with them.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/views/layout.hpp"
#include "services/relay/views/entry.hpp"

namespace shoal::relay {

class view_writing {
public:
    /// Operations of the script, five texts each: what, and what it is about (views_write.lua).
    [[nodiscard]] const std::vector<std::string>& operations() const noexcept { return operations_; }
    /// Packed buckets.
    [[nodiscard]] const std::string& tags() const noexcept { return tags_; }
    [[nodiscard]] bool empty() const noexcept { return operations_.empty(); }
    [[nodiscard]] std::size_t count() const noexcept { return operations_.size() / 5; }
    /// Of the entries' bodies.
    [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
    void clear();

    void entry(const view_definition& of, std::uint64_t generation, const view_entry& what);
    /// One that was put together under another key.
    void staged(std::string_view view, std::uint64_t generation, const std::string& key, std::string from);
    void members(std::string_view view, std::uint64_t generation, const member_changes& what);
    /// `replaced`: a generation that is to be deleted, or 0.
    void directory(std::string_view name, const views::directory_entry& now, std::uint64_t replaced,
                   std::string_view digest);
    void removed(std::string_view name, std::uint64_t generation);

private:
    void add(std::string_view what, std::string_view view, std::uint64_t generation, const std::string& key,
             std::string body);

    std::vector<std::string> operations_;
    std::string tags_;
    std::size_t bytes_ = 0;
};

}  // namespace shoal::relay
