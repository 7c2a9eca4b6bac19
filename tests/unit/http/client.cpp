#include "tests/unit/http/client.hpp"

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <optional>
#include <system_error>
#include <utility>

#include <catch2/catch.hpp>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/core/ascii.hpp"
#include "tests/support/run_until.hpp"

namespace shoal::test {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

constexpr auto patience = 5s;

std::vector<std::string> lines_of(std::string_view head)
{
    std::vector<std::string> lines;
    for (std::size_t from = 0; from < head.size();) {
        const auto to = head.find("\r\n", from);
        lines.emplace_back(head.substr(from, to - from));
        from = to + 2;
    }
    return lines;
}

answer parse_answer_head(std::string_view head)
{
    answer parsed;
    const auto lines = lines_of(head);
    REQUIRE(lines.at(0).starts_with("HTTP/1.1 "));
    parsed.status = std::stoi(lines[0].substr(9, 3));
    for (std::size_t i = 1; i < lines.size(); ++i) {
        const auto colon = lines[i].find(": ");
        REQUIRE(colon != std::string::npos);
        std::string name;
        for (const char c : lines[i].substr(0, colon)) name += to_lower(c);
        REQUIRE(parsed.headers.emplace(name, lines[i].substr(colon + 2)).second);
    }
    return parsed;
}

/// The size of a chunked body with its coding, once it is there.
std::optional<std::size_t> take_chunks(std::string_view from, answer& into)
{
    for (std::size_t at = 0;;) {
        const auto line = from.find("\r\n", at);
        if (line == std::string_view::npos) return std::nullopt;
        const auto size = std::stoul(std::string{from.substr(at, line - at)}, nullptr, 16);
        at = line + 2;
        if (size == 0) {
            const auto end = from.substr(at).starts_with("\r\n") ? at : from.find("\r\n\r\n", at);
            if (end == std::string_view::npos) return std::nullopt;
            into.trailers = from.substr(at, end == at ? 0 : end + 2 - at);
            return end == at ? at + 2 : end + 4;
        }
        if (from.size() < at + size + 2) return std::nullopt;
        into.body.append(from.substr(at, size));
        REQUIRE(from.substr(at + size, 2) == "\r\n");
        at += size + 2;
    }
}

std::optional<std::size_t> take_body(std::string_view from, bool to_head, answer& into)
{
    if (to_head) return 0;
    if (into.header("transfer-encoding") == "chunked") return take_chunks(from, into);
    const auto length = into.header("content-length");
    const std::size_t size = length.empty() ? 0 : std::stoul(length);
    if (from.size() < size) return std::nullopt;
    into.body = from.substr(0, size);
    return size;
}

}  // namespace

std::string answer::header(const std::string& name) const
{
    const auto at = headers.find(name);
    return at == headers.end() ? std::string{} : at->second;
}

std::vector<answer> take_answers(std::string& raw, bool to_head, std::size_t most)
{
    std::vector<answer> answers;
    while (answers.size() < most) {
        const auto end = raw.find("\r\n\r\n");
        if (end == std::string::npos) return answers;
        auto parsed = parse_answer_head(std::string_view{raw}.substr(0, end + 2));
        const auto taken = take_body(std::string_view{raw}.substr(end + 4), to_head, parsed);
        if (!taken) return answers;
        raw.erase(0, end + 4 + *taken);
        answers.push_back(std::move(parsed));
    }
    return answers;
}

client::client(asio::io_context& loop, const std::string& path)
    : loop_{loop}, descriptor_{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)}
{
    sockaddr_un where{};
    where.sun_family = AF_UNIX;
    std::strncpy(where.sun_path, path.c_str(), sizeof where.sun_path - 1);
    if (descriptor_ < 0 || ::connect(descriptor_, reinterpret_cast<const sockaddr*>(&where), sizeof where) != 0)
        throw std::system_error{errno, std::generic_category(), "connect"};
}

client::client(client&& from) noexcept
    : loop_{from.loop_},
      descriptor_{std::exchange(from.descriptor_, -1)},
      raw_{std::move(from.raw_)},
      ended_{from.ended_},
      reset_{from.reset_}
{
}

client::~client()
{
    close();
}

void client::close()
{
    if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
}

void client::shut_write()
{
    ::shutdown(descriptor_, SHUT_WR);
}

bool client::send(std::string_view bytes)
{
    const auto end = std::chrono::steady_clock::now() + patience;
    while (!bytes.empty()) {
        const auto count = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (count >= 0) {
            bytes.remove_prefix(static_cast<std::size_t>(count));
            continue;
        }
        if (errno != EAGAIN) return false;
        loop_.run_one_for(10ms);
        REQUIRE(std::chrono::steady_clock::now() < end);
    }
    return true;
}

std::size_t client::send_some(std::string_view bytes)
{
    std::size_t sent = 0;
    while (sent < bytes.size()) {
        const auto count = ::send(descriptor_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
        if (count <= 0) break;
        sent += static_cast<std::size_t>(count);
    }
    return sent;
}

std::size_t client::drop_some(std::size_t most)
{
    std::vector<char> sink(most);
    const auto count = ::recv(descriptor_, sink.data(), sink.size(), 0);
    return count > 0 ? static_cast<std::size_t>(count) : 0;
}

bool client::wait_for_bytes(std::string_view text)
{
    return run_until(
        loop_,
        [&] {
            receive();
            return raw_.find(text) != std::string::npos;
        },
        patience);
}

void client::receive()
{
    std::array<char, 64 * 1024> chunk;
    for (;;) {
        const auto count = ::recv(descriptor_, chunk.data(), chunk.size(), 0);
        if (count > 0) {
            raw_.append(chunk.data(), static_cast<std::size_t>(count));
            continue;
        }
        ended_ = ended_ || count == 0 || errno != EAGAIN;
        reset_ = reset_ || (count < 0 && errno == ECONNRESET);
        return;
    }
}

bool client::ended()
{
    receive();
    return ended_;
}

answer client::read_one(bool to_head)
{
    std::vector<answer> got;
    const bool came = run_until(
        loop_,
        [&] {
            receive();
            got = take_answers(raw_, to_head);
            return !got.empty();
        },
        patience);
    INFO("received: " << raw_);
    REQUIRE(came);
    REQUIRE(got.size() == 1);
    return got[0];
}

answer client::read_next()
{
    std::vector<answer> got;
    const bool came = run_until(
        loop_,
        [&] {
            receive();
            got = take_answers(raw_, false, 1);
            return !got.empty();
        },
        patience);
    INFO("received: " << raw_.substr(0, 1000));
    REQUIRE(came);
    return got[0];
}

std::vector<answer> client::read(std::size_t count)
{
    std::vector<answer> got;
    const bool came = run_until(
        loop_,
        [&] {
            receive();
            for (auto& one : take_answers(raw_)) got.push_back(std::move(one));
            return got.size() >= count;
        },
        patience);
    INFO("received " << got.size() << " answers, then: " << raw_);
    REQUIRE(came);
    REQUIRE(got.size() == count);
    return got;
}

std::vector<answer> client::read_to_end()
{
    REQUIRE(run_until(
        loop_, [&] { return ended(); }, patience));
    REQUIRE_FALSE(reset_);
    auto got = take_answers(raw_);
    REQUIRE(raw_.empty());
    return got;
}

}  // namespace shoal::test
