#include "tests/load/edge/connection.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>

#include <sys/socket.h>

namespace shoal::load {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

}  // namespace

connection::connection(asio::io_context& loop, connection_owner& owner, const interest& wanted, std::string& buffer)
    : socket_{loop}, owner_{owner}, reader_{wanted}, buffer_{buffer}
{
}

connection::~connection() = default;

void connection::connect(const endpoint& to)
{
    const bool local = to.protocol().family() == AF_UNIX;
    socket_.async_connect(to, [this, self = shared_from_this(), local](error_code error) {
        if (closed_) return;
        // Asio takes the EAGAIN of a unix socket whose backlog is full for a connection under way.
        if (!error && local) static_cast<void>(socket_.remote_endpoint(error));
        if (error) return owner_.on_lost(*this, fate::connect_failed, error.message());
        error_code ignored;
        socket_.non_blocking(true, ignored);
        if (!local) socket_.set_option(asio::ip::tcp::no_delay{true}, ignored);
        watch();
        owner_.on_connected(*this);
    });
}

void connection::close()
{
    closed_ = true;
    error_code ignored;
    socket_.close(ignored);
}

void connection::send(std::string_view bytes, bool to_head)
{
    waiting_ = true;
    reader_.begin(to_head);
    write(bytes);
}

void connection::write(std::string_view rest)
{
    error_code error;
    const std::size_t written = socket_.write_some(asio::buffer(rest.data(), rest.size()), error);
    // An error is met again by the read, which knows whether an answer came before it.
    if (error && error != asio::error::would_block) return;
    if (written == rest.size()) return;
    unsent_ = rest.substr(written);
    writing_ = true;
    asio::async_write(socket_, asio::buffer(unsent_),
                      [this, self = shared_from_this()](const error_code&, std::size_t) { writing_ = false; });
}

// Also while idle: a server may close at any time.
void connection::watch()
{
    socket_.async_wait(asio::socket_base::wait_read, [this, self = shared_from_this()](const error_code&) {
        if (!closed_) on_readable();
    });
}

void connection::on_readable()
{
    error_code error;
    const std::size_t count = socket_.read_some(asio::buffer(buffer_), error);
    if (error == asio::error::would_block) return watch();
    if (error) return lose(error);
    received_ += count;
    on_received(count);
}

void connection::on_received(std::size_t count)
{
    if (!waiting_) return owner_.on_lost(*this, fate::malformed, "bytes that no request asked for");
    switch (reader_.received({buffer_.data(), count})) {
    case response_reader::state::more: return watch();
    case response_reader::state::malformed: return owner_.on_lost(*this, fate::malformed, reader_.problem());
    case response_reader::state::done: break;
    }
    waiting_ = false;
    ++answered_;
    owner_.on_answer(*this);
    if (!closed_) watch();
}

void connection::lose(const error_code& why)
{
    if (waiting_ && why == asio::error::eof && reader_.ended() == response_reader::state::done) {
        waiting_ = false;
        ++answered_;
        return owner_.on_answer(*this);
    }
    if (why == asio::error::eof)
        return owner_.on_lost(*this, fate::closed_early, "closed before the answer was complete");
    owner_.on_lost(*this, fate::reset, why.message());
}

}  // namespace shoal::load
