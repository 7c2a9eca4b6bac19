#include "tests/support/answering_socket.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>

namespace shoal::test {

namespace asio = boost::asio;

answering_socket::answering_socket(asio::io_context& loop) : acceptor_{loop, stream::endpoint{folder_.file("s")}}
{
    accept();
}

void answering_socket::answer_body(const std::string& body)
{
    answer("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
}

void answering_socket::accept()
{
    const auto peer = std::make_shared<stream::socket>(acceptor_.get_executor());
    acceptor_.async_accept(*peer, [this, peer](const boost::system::error_code& stopped) {
        if (stopped) return;
        accept();
        asked_.clear();
        asio::async_read_until(*peer, asio::dynamic_buffer(asked_), "\r\n\r\n",
                               [this, peer](const boost::system::error_code& ended, std::size_t) {
                                   if (ended) return;
                                   if (silent_) {
                                       // Until the other side has enough.
                                       peer->async_wait(stream::socket::wait_read,
                                                        [peer](const boost::system::error_code&) {});
                                       return;
                                   }
                                   asio::async_write(*peer, asio::buffer(answer_),
                                                     [peer](const boost::system::error_code&, std::size_t) {});
                               });
    });
}

}  // namespace shoal::test
