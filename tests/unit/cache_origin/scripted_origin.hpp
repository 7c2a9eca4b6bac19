#pragma once
// An origin that does what a test says, byte for byte, on the test's own loop.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>

#include "tests/support/temp_folder.hpp"

namespace shoal::test {

class scripted_origin {
public:
    /// One accepted connection.
    class peer : public std::enable_shared_from_this<peer> {
    public:
        peer(boost::asio::generic::stream_protocol::socket socket, scripted_origin& server);

        void send(std::string_view bytes);
        /// One byte at each turn of the loop.
        void send_slowly(std::string bytes);
        /// What was sent before is delivered first.
        void close();
        /// With RST; what was sent may be lost.
        void reset();
        /// Takes nothing more from the socket.
        void stop_reading() { reading_ = false; }
        void go_on_reading();

        [[nodiscard]] bool open() const noexcept { return socket_.is_open(); }
        /// The other side has closed.
        [[nodiscard]] bool ended() const noexcept { return ended_; }
        /// What came and was not consumed by requests.
        std::string input;
        std::size_t requests = 0;

    private:
        friend class scripted_origin;
        void read();
        void write();
        void drip(std::shared_ptr<std::string> bytes, std::size_t at);

        boost::asio::generic::stream_protocol::socket socket_;
        scripted_origin& server_;
        std::string output_;
        std::string in_write_;
        bool closing_ = false;
        bool reading_ = true;
        bool read_pending_ = false;
        bool ended_ = false;
    };
    using peer_ptr = std::shared_ptr<peer>;
    /// Called with each request's head, up to and with its empty line; a body stays in peer::input.
    using handler = std::function<void(const peer_ptr&, const std::string& head)>;

    enum class kind : std::uint8_t { local, tcp };
    scripted_origin(boost::asio::io_context& loop, kind of = kind::local);
    ~scripted_origin();

    /// "unix:/..." or "127.0.0.1:port".
    [[nodiscard]] const std::string& address() const noexcept { return address_; }
    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }

    void on_request(handler answer) { answer_ = std::move(answer); }
    /// Every request gets these bytes.
    void always(std::string bytes);
    /// Called with whatever came of a body.
    std::function<void(const peer_ptr&)> on_body;
    /// Accepted connections are answered with these, without a request having been read.
    std::function<void(const peer_ptr&)> on_accept;

    void stop_listening();
    void listen_again();
    [[nodiscard]] const std::vector<peer_ptr>& peers() const noexcept { return peers_; }
    [[nodiscard]] std::size_t open_peers() const;
    [[nodiscard]] const std::vector<std::string>& heads() const noexcept { return heads_; }

private:
    void accept();
    void received(const peer_ptr& from);

    boost::asio::io_context& loop_;
    temp_folder folder_;
    kind kind_;
    std::string address_;
    std::uint16_t port_ = 0;
    boost::asio::basic_socket_acceptor<boost::asio::generic::stream_protocol> acceptor_;
    handler answer_;
    std::vector<peer_ptr> peers_;
    std::vector<std::string> heads_;
};

}  // namespace shoal::test
