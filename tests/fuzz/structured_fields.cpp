// Structured fields: what is read can be written, and is then read as the same.

#include <cstdint>

#include "services/cache/protocol/invalidation.hpp"
#include "services/cache/protocol/structured_fields.hpp"
#include "tests/fuzz/message_fields.hpp"

namespace {

namespace sf = shoal::cache::protocol::sf;
using shoal::fuzz::expect;

template <class Value>
void check(const std::optional<Value>& read, std::optional<Value> (*parse)(std::string_view))
{
    if (!read) return;
    const auto written = sf::serialize(*read);
    expect(written.has_value());
    expect(parse(*written) == read);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::string_view text = shoal::fuzz::text_of(data, size);
    check<sf::item>(sf::parse_item(text), &sf::parse_item);
    if (const auto list = sf::parse_list(text); list && !list->empty()) check<sf::list>(list, &sf::parse_list);
    if (const auto dictionary = sf::parse_dictionary(text); dictionary && !dictionary->empty()) {
        check<sf::dictionary>(dictionary, &sf::parse_dictionary);
    }
    const shoal::cache::field_view fields[] = {{"Cache-Groups", text}, {"Cache-Tag", text}, {"xkey", text}};
    const auto keys = shoal::cache::protocol::read_keys(fields);
    if (keys.too_many) return 0;
    expect(keys.keys.size() + keys.groups.size() <= shoal::cache::protocol::most_keys);
    for (const auto& key : keys.keys) expect(!key.empty() && key.size() <= shoal::cache::protocol::longest_key);
    return 0;
}
