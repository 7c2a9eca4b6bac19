#include "tests/support/resp_server.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>

#include <cstdio>
#include <optional>
#include <stdexcept>

namespace shoal::test {
namespace {

using boost::system::error_code;

/// Reads "<type><number>\r\n" at `at` and moves behind it; nothing while it is incomplete.
std::optional<std::size_t> take_header(const std::string& text, std::size_t& at, char type)
{
    const auto end = text.find("\r\n", at);
    if (end == std::string::npos) return std::nullopt;
    if (text[at] != type) throw std::runtime_error("resp_server: not a command: " + text.substr(at));
    const auto number = std::stoul(text.substr(at + 1, end - at - 1));
    at = end + 2;
    return number;
}

/// The first command in `input`, which is removed from it.
std::optional<resp_server::command> take_command(std::string& input)
{
    if (input.empty()) return std::nullopt;
    std::size_t at = 0;
    const auto count = take_header(input, at, '*');
    if (!count) return std::nullopt;
    resp_server::command asked;
    for (std::size_t i = 0; i < *count; ++i) {
        const auto size = at < input.size() ? take_header(input, at, '$') : std::nullopt;
        if (!size || input.size() < at + *size + 2) return std::nullopt;
        asked.push_back(input.substr(at, *size));
        at += *size + 2;
    }
    input.erase(0, at);
    return asked;
}

bool of_handshake(const resp_server::command& asked)
{
    return asked[0] == "AUTH" || asked[0] == "INFO" || (asked.size() > 1 && asked[1] == "shoal:epoch");
}

}  // namespace

resp_server::peer::peer(boost::asio::local::stream_protocol::socket socket, resp_server& server)
    : socket_{std::move(socket)}, server_{server}
{
}

void resp_server::peer::send(std::string_view bytes)
{
    output_ += bytes;
    write();
}

void resp_server::peer::close()
{
    closing_ = true;
    write();
}

void resp_server::peer::write()
{
    if (!in_write_.empty() || closed()) return;
    if (output_.empty()) {
        error_code ignored;
        if (closing_) socket_.close(ignored);
        return;
    }
    in_write_.swap(output_);
    boost::asio::async_write(socket_, boost::asio::buffer(in_write_),
                             [self = shared_from_this()](const error_code& failed, std::size_t) {
                                 self->in_write_.clear();
                                 if (!failed) self->write();
                             });
}

void resp_server::peer::read()
{
    const auto used = input_.size();
    input_.resize(used + 64 * 1024);
    socket_.async_read_some(boost::asio::buffer(&input_[used], 64 * 1024),
                            [self = shared_from_this(), used](const error_code& failed, std::size_t size) {
                                if (self->closed()) return;
                                self->input_.resize(used + size);
                                error_code ignored;
                                if (failed) return static_cast<void>(self->socket_.close(ignored));
                                self->take_commands();
                                if (!self->closed()) self->read();
                            });
}

void resp_server::peer::take_commands()
{
    std::vector<command> arrived;
    while (auto asked = take_command(input_)) arrived.push_back(std::move(*asked));
    server_.commands_per_read_.push_back(arrived.size());
    for (const auto& asked : arrived) server_.received(shared_from_this(), asked);
}

resp_server::resp_server(boost::asio::io_context& loop)
    : loop_{loop}, path_{folder_.file("redis.sock")}, acceptor_{loop}
{
    listen();
}

resp_server::~resp_server()
{
    stop_listening();
    error_code ignored;
    for (const auto& one : peers_) one->socket_.close(ignored);
}

void resp_server::listen()
{
    const boost::asio::local::stream_protocol::endpoint where{path_};
    acceptor_.open(where.protocol());
    acceptor_.bind(where);
    acceptor_.listen();
    accept();
}

void resp_server::stop_listening()
{
    error_code ignored;
    acceptor_.close(ignored);
    std::remove(path_.c_str());
}

void resp_server::close_peers()
{
    for (const auto& one : peers_) one->close();
}

void resp_server::accept()
{
    acceptor_.async_accept([this](const error_code& failed, boost::asio::local::stream_protocol::socket socket) {
        if (failed) return;
        peers_.push_back(std::make_shared<peer>(std::move(socket), *this));
        peers_.back()->read();
        accept();
    });
}

void resp_server::received(const peer_ptr& from, const command& asked)
{
    commands_.push_back(asked);
    if (of_handshake(asked)) return handshake_ ? handshake_(from, asked) : default_handshake(from, asked);
    if (answer_) return answer_(from, asked);
    from->send("+OK\r\n");
}

void resp_server::default_handshake(const peer_ptr& from, const command& asked) const
{
    if (asked[0] == "INFO")
        from->send(resp_bulk("# Server\r\nredis_version:7.0.15\r\nrun_id:" + run_id + "\r\ntcp_port:0\r\n"));
    else if (asked[0] == "SET")
        from->send("$-1\r\n");
    else if (asked[0] == "GET")
        from->send(resp_bulk(epoch));
    else
        from->send("+OK\r\n");
}

std::string resp_bulk(std::string_view text)
{
    return "$" + std::to_string(text.size()) + "\r\n" + std::string{text} + "\r\n";
}

std::string resp_array(const std::vector<std::string>& encoded)
{
    std::string text = "*" + std::to_string(encoded.size()) + "\r\n";
    for (const auto& element : encoded) text += element;
    return text;
}

}  // namespace shoal::test
