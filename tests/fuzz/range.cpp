// Range and Content-Range: what goes out are parts of what is there, each byte once at most, in few parts.

#include <cstdint>
#include <cstring>
#include <string>

#include "services/cache/protocol/range.hpp"
#include "tests/fuzz/message_fields.hpp"

namespace {

using namespace shoal::cache::protocol;
using shoal::fuzz::expect;

void check_parts(const std::vector<byte_range>& parts, std::uint64_t length)
{
    std::uint64_t total = 0;
    expect(!parts.empty() && parts.size() <= most_ranges);
    for (const auto& part : parts) {
        expect(part.first <= part.last && part.last < length);
        total += part.length();
        for (const auto& other : parts) {
            expect(&other == &part || other.first > part.last + 1 || part.first > other.last + 1);
        }
        const auto read = parse_content_range(content_range(part, length));
        expect(read && read->part == part && read->length == length);
    }
    expect(total <= length);

    const multipart framed{"boundary", "text/plain", parts, length};
    std::uint64_t around = framed.tail().size();
    for (const auto& head : framed.heads()) around += head.size();
    expect(framed.length() == total + around && around < 200 * (most_ranges + 1));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    std::uint32_t length = 0;
    if (size < sizeof(length)) return 0;
    std::memcpy(&length, data, sizeof(length));
    const std::string_view text = shoal::fuzz::text_of(data + sizeof(length), size - sizeof(length));

    const auto specs = parse_range(text);
    const auto resolved = resolve_range(text, length);
    expect(specs.has_value() || resolved.answer == range_answer::whole);
    if (resolved.answer == range_answer::partial) {
        check_parts(resolved.parts, length);
    } else {
        expect(resolved.parts.empty());
    }
    if (const auto read = parse_content_range(text)) {
        expect(read->part.first <= read->part.last && read->part.length() > 0);
        expect(!read->length || read->part.last < *read->length);
    }
    return 0;
}
