#include "services/relay/protocol/stream.hpp"

#include "services/relay/protocol/byte_reader.hpp"

namespace shoal::relay {
namespace {

constexpr std::size_t status_size = 34;

log_data read_log_data(byte_reader& from)
{
    log_data made;
    made.start = from.number<lsn>();
    made.end = from.number<lsn>();
    made.sent_at = from.number<std::int64_t>();
    made.payload = from.bytes(from.left());
    return made;
}

keepalive read_keepalive(byte_reader& from)
{
    keepalive made;
    made.end = from.number<lsn>();
    made.sent_at = from.number<std::int64_t>();
    made.reply_requested = from.flag();
    return made;
}

stream_message read_message(byte_reader& from)
{
    switch (from.letter()) {
    case 'w': return read_log_data(from);
    case 'k': return read_keepalive(from);
    default: from.fail(); return keepalive{};
    }
}

/// Most significant byte first.
void put(std::string& to, std::uint64_t number)
{
    for (int shift = 56; shift >= 0; shift -= 8) to.push_back(static_cast<char>(number >> shift & 0xFFU));
}

}  // namespace

result<stream_message> read_stream(std::string_view bytes)
{
    byte_reader from{bytes};
    const auto made = read_message(from);
    if (!from.is_whole()) return errc::database_malformed;
    return made;
}

std::string status_update(lsn written, lsn flushed, lsn applied, std::int64_t now_us_since_2000, bool reply_requested)
{
    std::string made;
    made.reserve(status_size);
    made.push_back('r');
    put(made, written);
    put(made, flushed);
    put(made, applied);
    put(made, static_cast<std::uint64_t>(now_us_since_2000));
    made.push_back(reply_requested ? '\1' : '\0');
    return made;
}

}  // namespace shoal::relay
