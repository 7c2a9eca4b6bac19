// Keys of variants: two requests with one key differ in nothing but what separates members of a list.

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "services/cache/protocol/vary.hpp"
#include "tests/fuzz/message_fields.hpp"

namespace {

using namespace shoal::cache;
using namespace shoal::cache::protocol;
using shoal::fuzz::expect;
using field_list = std::vector<field_view>;

/// All that the fields of a name say, without separators.
std::string essence(const field_list& fields, std::string_view name)
{
    std::string text = has(fields, name) ? "+" : "-";
    for (const auto& field : fields) {
        if (lower(field.name) == name) text += field.value;
    }
    std::erase_if(text, [](char c) { return c == ' ' || c == '\t' || c == ','; });
    return text;
}

/// What is accepted is brought to another form: no name of a coding or a language is lost.
bool is_weighted(std::string_view name)
{
    return name == "accept-encoding" || name == "accept-language";
}

void check_equal(const field_list& a, const field_list& b, std::string_view names)
{
    while (!names.empty()) {
        const std::size_t end = std::min(names.find(','), names.size());
        const std::string_view name = names.substr(0, end);
        if (!is_weighted(name)) expect(essence(a, name) == essence(b, name));
        if (is_weighted(name)) expect(has(a, name) == has(b, name));
        names.remove_prefix(std::min(end + 1, names.size()));
    }
}

/// The same values, each under the name that follows its own in the list.
field_list rotate(field_list fields, std::string_view names)
{
    std::vector<std::string_view> all;
    list_reader reader{names};
    while (const auto name = reader.next()) all.push_back(*name);
    for (auto& field : fields) {
        const auto place = std::find(all.begin(), all.end(), lower(field.name));
        if (place != all.end()) field.name = place + 1 == all.end() ? all.front() : *(place + 1);
    }
    return fields;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    std::string_view text = shoal::fuzz::text_of(data, size);
    const std::string_view vary = shoal::fuzz::next_line(text);
    const field_list response{{"Vary", vary}};
    const auto names = vary_names(response);
    if (!names) return 0;
    expect(vary_names(field_list{{"vary", *names}}) == names);

    const field_list all = shoal::fuzz::fields_of(text);
    const auto middle = all.begin() + static_cast<std::ptrdiff_t>(all.size() / 2);
    const field_list a{all.begin(), middle};
    const field_list b{middle, all.end()};
    const std::string key = variant_key(a, *names);
    expect(key == variant_key(a, *names));
    for (const field_list& other : {b, rotate(a, *names), field_list{a.begin() + (a.empty() ? 0 : 1), a.end()}}) {
        if (key == variant_key(other, *names)) check_equal(a, other, *names);
    }
    return 0;
}
