#pragma once
// A Redis that does what a test says, on the test's own loop: for every failure that the real one does not
// show on demand. Its unix socket lies in a folder of its own.

#include "tests/support/temp_folder.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace shoal::test {

class resp_server {
public:
    using command = std::vector<std::string>;

    /// One accepted connection. Keep the pointer to answer later.
    class peer : public std::enable_shared_from_this<peer> {
    public:
        peer(boost::asio::local::stream_protocol::socket socket, resp_server& server);

        /// Bytes as they go over the wire.
        void send(std::string_view bytes);
        /// What was sent before is delivered first.
        void close();
        [[nodiscard]] bool closed() const noexcept { return !socket_.is_open(); }

    private:
        friend class resp_server;
        void read();
        void take_commands();
        void write();

        boost::asio::local::stream_protocol::socket socket_;
        resp_server& server_;
        std::string input_;
        std::string output_;
        std::string in_write_;
        bool closing_ = false;
    };
    using peer_ptr = std::shared_ptr<peer>;
    using answer_function = std::function<void(const peer_ptr&, const command&)>;

    explicit resp_server(boost::asio::io_context& loop);
    /// Closes everything; the loop may run on.
    ~resp_server();

    [[nodiscard]] const std::string& path() const noexcept { return path_; }

    /// Answers whatever is not the handshake's; without one the answer is +OK. It may answer nothing.
    void on_command(answer_function answer) { answer_ = std::move(answer); }
    /// Answers AUTH, INFO, and SET and GET of the epoch key in place of the default, which is a server
    /// with the run id and the epoch below.
    void on_handshake(answer_function answer) { handshake_ = std::move(answer); }
    void default_handshake(const peer_ptr& from, const command& asked) const;

    std::string run_id = std::string(40, 'a');
    std::string epoch = std::string(32, 'e');

    /// Connections are refused from now on; those that exist stay.
    void stop_listening();
    void listen();
    void close_peers();

    /// Everything that was ever asked, in order, the handshake's included.
    [[nodiscard]] const std::vector<command>& commands() const noexcept { return commands_; }
    /// How many commands each read brought.
    [[nodiscard]] const std::vector<std::size_t>& commands_per_read() const noexcept { return commands_per_read_; }
    [[nodiscard]] std::size_t connections() const noexcept { return peers_.size(); }
    /// In the order of accepting, the closed ones included.
    [[nodiscard]] const std::vector<peer_ptr>& peers() const noexcept { return peers_; }

private:
    void accept();
    void received(const peer_ptr& from, const command& asked);

    boost::asio::io_context& loop_;
    temp_folder folder_;
    std::string path_;
    boost::asio::local::stream_protocol::acceptor acceptor_;
    answer_function answer_;
    answer_function handshake_;
    std::vector<peer_ptr> peers_;
    std::vector<command> commands_;
    std::vector<std::size_t> commands_per_read_;
};

/// RESP2 encodings.
[[nodiscard]] std::string resp_bulk(std::string_view text);
[[nodiscard]] std::string resp_array(const std::vector<std::string>& encoded);

}  // namespace shoal::test
