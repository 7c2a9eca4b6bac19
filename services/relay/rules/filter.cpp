#include "services/relay/rules/filter.hpp"

#include <algorithm>

#include "common/config/reader.hpp"
#include "services/relay/rules/sql_name.hpp"

namespace shoal::relay {
namespace {

constexpr std::size_t most_texts = 1000;

std::optional<std::string> text_of(const nlohmann::json& one)
{
    if (one.is_string()) return one.get<std::string>();
    if (one.is_boolean()) return one.get<bool>() ? "t" : "f";
    if (one.is_number_integer()) return one.dump();
    return std::nullopt;
}

std::vector<std::string> read_texts(config::object& from, const char* field)
{
    const auto& listed = *from.raw(field);
    if (!listed.is_array() || listed.empty() || listed.size() > most_texts) {
        from.problem(field, R"(must be an array of 1 to 1000 texts, for example ["published"])");
        return {};
    }
    std::vector<std::string> texts;
    for (const auto& one : listed) {
        auto text = text_of(one);
        if (!text) {
            from.problem(field, R"(may have strings, whole numbers, true and false; write a number with a fraction as )"
                                R"(PostgreSQL prints it ("1.50"), and NULL is asked for by "null": true)");
            break;
        }
        texts.push_back(std::move(*text));
    }
    std::ranges::sort(texts);
    texts.erase(std::unique(texts.begin(), texts.end()), texts.end());
    return texts;
}

void read_test(config::object& from, filter& into)
{
    const bool in = from.raw("in") != nullptr;
    const bool not_in = from.raw("not_in") != nullptr;
    const bool null = from.raw("null") != nullptr;
    if (static_cast<int>(in) + static_cast<int>(not_in) + static_cast<int>(null) != 1) {
        from.problem("", R"(must have exactly one of "in", "not_in" and "null")");
        return;
    }
    if (null) {
        into.by = from.boolean("null") ? filter::test::null : filter::test::not_null;
        return;
    }
    into.by = in ? filter::test::in : filter::test::not_in;
    into.texts = read_texts(from, in ? "in" : "not_in");
}

std::string read_column(config::object& from)
{
    const auto written = from.text("column");
    if (!from.has("column")) return {};
    auto name = parse_name(written);
    if (name) return std::move(*name);
    from.problem("column", "is not a column's name: " + name.error().what);
    return {};
}

}  // namespace

bool filter::has(const std::optional<value>& of) const
{
    if (!of) return true;
    const bool is_null = of->is != value::kind::text;
    if (by == test::null || by == test::not_null) return is_null == (by == test::null);
    const bool found = !is_null && std::ranges::binary_search(texts, of->text, std::less<>{});
    return found == (by == test::in);
}

filter read_filter(config::object& from)
{
    filter made;
    made.column = read_column(from);
    read_test(from, made);
    from.done();
    return made;
}

nlohmann::json to_json(const filter& from)
{
    nlohmann::json made{{"column", shown(from.column)}};
    switch (from.by) {
    case filter::test::in: made["in"] = from.texts; break;
    case filter::test::not_in: made["not_in"] = from.texts; break;
    case filter::test::null: made["null"] = true; break;
    case filter::test::not_null: made["null"] = false; break;
    }
    return made;
}

}  // namespace shoal::relay
