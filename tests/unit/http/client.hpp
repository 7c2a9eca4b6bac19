#pragma once
// A raw client of a server that one loop drives, and what answers say.

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/io_context.hpp>

namespace shoal::test {

struct answer {
    int status = 0;
    /// Names in lower case.
    std::map<std::string, std::string> headers;
    std::string body;
    /// After a chunked body, with their CR LF.
    std::string trailers;

    [[nodiscard]] std::string header(const std::string& name) const;
};

/// Takes the complete answers off the front of `raw`; an answer to HEAD has no body whatever its length says.
[[nodiscard]] std::vector<answer> take_answers(std::string& raw, bool to_head = false, std::size_t most = SIZE_MAX);

/// A socket that never blocks: what it waits for, the loop turns for.
class client {
public:
    /// Connects. Throws std::system_error.
    client(boost::asio::io_context& loop, const std::string& path);
    ~client();
    client(client&& from) noexcept;
    client& operator=(client&&) = delete;
    client(const client&) = delete;

    /// False when the server no longer takes it.
    bool send(std::string_view bytes);
    void shut_write();
    void close();
    /// The next answer; fails the test when none comes within five seconds.
    [[nodiscard]] answer read_one(bool to_head = false);
    /// The same, where others may have come behind it.
    [[nodiscard]] answer read_next();
    [[nodiscard]] std::vector<answer> read(std::size_t count);
    /// Everything up to the connection's end, which must come within five seconds and not be a reset.
    [[nodiscard]] std::vector<answer> read_to_end();
    /// Turns the loop until the bytes that came and were not taken have this in them; false after five seconds.
    [[nodiscard]] bool wait_for_bytes(std::string_view text);
    /// Sends what the kernel takes at once, and returns how much that was.
    std::size_t send_some(std::string_view bytes);
    /// Takes at most so many bytes that are there, forgets them, and returns how many there were.
    std::size_t drop_some(std::size_t most);
    /// Whether the connection has ended, after what came is taken in.
    [[nodiscard]] bool ended();
    [[nodiscard]] bool was_reset() const noexcept { return reset_; }
    [[nodiscard]] const std::string& raw() const noexcept { return raw_; }

private:
    void receive();

    boost::asio::io_context& loop_;
    int descriptor_;
    std::string raw_;
    bool ended_ = false;
    bool reset_ = false;
};

}  // namespace shoal::test
