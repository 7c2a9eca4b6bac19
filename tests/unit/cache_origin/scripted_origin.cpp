#include "tests/unit/cache_origin/scripted_origin.hpp"

#include <algorithm>
#include <array>

#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>

#include <sys/socket.h>
#include <unistd.h>

namespace shoal::test {

namespace asio = boost::asio;
using generic = asio::generic::stream_protocol;

scripted_origin::peer::peer(generic::socket socket, scripted_origin& server)
    : socket_{std::move(socket)}, server_{server}
{
}

void scripted_origin::peer::send(std::string_view bytes)
{
    output_ += bytes;
    if (in_write_.empty()) write();
}

void scripted_origin::peer::write()
{
    in_write_ = std::exchange(output_, {});
    if (in_write_.empty()) {
        boost::system::error_code ignored;
        if (closing_) socket_.close(ignored);
        return;
    }
    asio::async_write(socket_, asio::buffer(in_write_),
                      [self = shared_from_this()](const boost::system::error_code& error, std::size_t) {
                          self->in_write_.clear();
                          if (!error) self->write();
                      });
}

void scripted_origin::peer::send_slowly(std::string bytes)
{
    drip(std::make_shared<std::string>(std::move(bytes)), 0);
}

void scripted_origin::peer::drip(std::shared_ptr<std::string> bytes, std::size_t at)
{
    if (at == bytes->size() || !socket_.is_open()) return;
    send({bytes->data() + at, 1});
    asio::post(server_.loop_, [self = shared_from_this(), bytes = std::move(bytes), at] { self->drip(bytes, at + 1); });
}

void scripted_origin::peer::close()
{
    closing_ = true;
    if (in_write_.empty()) write();
}

void scripted_origin::peer::reset()
{
    boost::system::error_code ignored;
    socket_.set_option(asio::socket_base::linger{true, 0}, ignored);
    socket_.close(ignored);
}

void scripted_origin::peer::go_on_reading()
{
    reading_ = true;
    read();
}

void scripted_origin::peer::read()
{
    if (!reading_ || read_pending_) return;
    read_pending_ = true;
    auto chunk = std::make_shared<std::array<char, 16 * 1024>>();
    socket_.async_receive(asio::buffer(*chunk), [self = shared_from_this(), chunk](
                                                    const boost::system::error_code& error, std::size_t count) {
        self->read_pending_ = false;
        if (error) {
            self->ended_ = true;
            return;
        }
        self->input.append(chunk->data(), count);
        self->server_.received(self);
        self->read();
    });
}

scripted_origin::scripted_origin(asio::io_context& loop, kind of) : loop_{loop}, kind_{of}, acceptor_{loop}
{
    listen_again();
}

scripted_origin::~scripted_origin()
{
    stop_listening();
    boost::system::error_code ignored;
    for (const auto& one : peers_) one->socket_.close(ignored);
    loop_.poll();
}

void scripted_origin::listen_again()
{
    generic::endpoint where;
    if (kind_ == kind::local) {
        const auto path = folder_.file("origin.sock");
        ::unlink(path.c_str());
        where = asio::local::stream_protocol::endpoint{path};
        address_ = "unix:" + path;
    } else {
        where = asio::ip::tcp::endpoint{asio::ip::address_v4::loopback(), port_};
    }
    acceptor_.open(where.protocol());
    acceptor_.set_option(asio::socket_base::reuse_address{true});
    acceptor_.bind(where);
    acceptor_.listen();
    if (kind_ == kind::tcp) {
        sockaddr_in bound{};
        socklen_t size = sizeof bound;
        ::getsockname(acceptor_.native_handle(), reinterpret_cast<sockaddr*>(&bound), &size);
        port_ = ntohs(bound.sin_port);
        address_ = "127.0.0.1:" + std::to_string(port_);
    }
    accept();
}

void scripted_origin::stop_listening()
{
    boost::system::error_code ignored;
    acceptor_.close(ignored);
}

void scripted_origin::accept()
{
    acceptor_.async_accept([this](const boost::system::error_code& error, generic::socket socket) {
        if (error) return;
        peers_.push_back(std::make_shared<peer>(std::move(socket), *this));
        const auto made = peers_.back();
        if (on_accept) on_accept(made);
        if (made->open()) made->read();
        accept();
    });
}

void scripted_origin::always(std::string bytes)
{
    on_request([bytes = std::move(bytes)](const peer_ptr& from, const std::string&) { from->send(bytes); });
}

void scripted_origin::received(const peer_ptr& from)
{
    for (;;) {
        const bool request =
            from->input.starts_with("GET ") || from->input.starts_with("HEAD ") || from->input.starts_with("POST ");
        const auto end = from->input.find("\r\n\r\n");
        if (!request || end == std::string::npos) break;
        heads_.push_back(from->input.substr(0, end + 4));
        from->input.erase(0, end + 4);
        ++from->requests;
        if (answer_) answer_(from, std::string{heads_.back()});
    }
    if (on_body && !from->input.empty()) on_body(from);
}

std::size_t scripted_origin::open_peers() const
{
    return static_cast<std::size_t>(
        std::ranges::count_if(peers_, [](const peer_ptr& one) { return one->open() && !one->ended(); }));
}

}  // namespace shoal::test
