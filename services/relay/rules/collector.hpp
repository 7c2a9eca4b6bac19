#pragma once
// From the changes of one transaction to the tags that it purges.

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/unordered/unordered_flat_set.hpp>

#include "services/relay/rules/change.hpp"
#include "services/relay/rules/tables.hpp"

namespace shoal::relay {

struct collected {
    /// Sorted, each once; what is in both sets of rules is only in `hard`.
    std::vector<std::string> hard;
    std::vector<std::string> soft;
    /// Changed rows of tables that have rules.
    std::uint64_t rows = 0;
    /// Rows whose own tags gave way to the table's, because they were too many; once for each rule.
    std::uint64_t collapsed = 0;
    /// Changes for which a table's tag stands in, because a value that a rule needs was not sent (or the rule
    /// no longer fits the table, or the tag would be too long).
    std::uint64_t unknown = 0;
};

/// For one transaction at a time. What a rule gathered is dropped when it has more than `most_rows` rows, so at most
/// rules x most_rows x 2 x tags of a rule x 1,024 bytes are kept: a row before and a row after, 32 tags each.
/// `insert` and so on are looked up by relation.id: tables::bind() comes first.
class collector {
public:
    /// The tables live longer; they may be bound again at any time.
    explicit collector(const tables& by);

    void add(const relation& of, const insert& by) { add(change_of(of, by), &operations::insert); }
    void add(const relation& of, const update& by) { add(change_of(of, by), &operations::update); }
    void add(const relation& of, const remove& by) { add(change_of(of, by), &operations::remove); }
    /// For each relation of the message. Purges the table's tag, and the tags that name no column.
    void truncate(const relation& of);

    /// At commit: everything since the last commit. Begins anew.
    [[nodiscard]] collected take();
    /// Forgets a transaction whose end won't come.
    void clear();

private:
    struct text_hash {
        using is_transparent = void;
        using is_avalanching = void;
        std::size_t operator()(std::string_view text) const noexcept;
    };
    using tag_set = boost::unordered_flat_set<std::string, text_hash, std::equal_to<>>;
    struct gathered {
        bool begun = false;
        bool table_tag = false;
        bool collapsed = false;
        std::uint64_t rows = 0;
        tag_set tags;
    };

    void add(const change& of, bool operations::*kind);
    bool add_to(const bound_rule& with, const change& of);
    bool add_tags(const bound_rule& with, const change& of, bool before);
    bool add_tag(const rule& with, const bound_tag& tag, const change& of, bool before, tag_set& to);
    gathered& begin(std::size_t place);
    static void collapse(gathered& what);
    void fall_back(std::size_t place);

    const tables& tables_;
    /// One for each rule; `begun_` are the places that this transaction has touched.
    std::vector<gathered> gathered_;
    std::vector<std::size_t> begun_;
    collected counts_;
    std::string tag_;
    std::vector<value> values_;
};

}  // namespace shoal::relay
