#include "tests/unit/cache_origin/dns_server.hpp"

#include <algorithm>

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/address.hpp>

namespace shoal::test {
namespace {

namespace asio = boost::asio;

constexpr std::size_t header_size = 12;
constexpr std::uint16_t type_a = 1;
constexpr std::uint16_t type_aaaa = 28;

void append(std::string& to, std::uint32_t number, int bytes)
{
    for (int i = bytes - 1; i >= 0; --i) to += static_cast<char>(number >> (8 * i) & 0xff);
}

template <class Bytes>
void append_record(std::string& to, std::uint16_t type, std::uint32_t ttl, const Bytes& bytes)
{
    append(to, 0xc00c, 2);  // the name of the question
    append(to, type, 2);
    append(to, 1, 2);
    append(to, ttl, 4);
    append(to, static_cast<std::uint32_t>(bytes.size()), 2);
    to.append(bytes.begin(), bytes.end());
}

}  // namespace

dns_server::dns_server(asio::io_context& loop)
    : socket_{loop, asio::ip::udp::endpoint{asio::ip::address_v4::loopback(), 0}}
{
    receive();
}

dns_server::~dns_server()
{
    boost::system::error_code ignored;
    socket_.close(ignored);
}

std::string dns_server::address() const
{
    return "127.0.0.1:" + std::to_string(socket_.local_endpoint().port());
}

void dns_server::receive()
{
    socket_.async_receive_from(asio::buffer(buffer_), from_,
                               [this](const boost::system::error_code& error, std::size_t size) {
                                   if (error) return;
                                   const auto reply = answer({buffer_.data(), size});
                                   if (!silent) socket_.send_to(asio::buffer(reply), from_);
                                   receive();
                               });
}

std::string dns_server::answer(const std::string& question)
{
    std::string name;
    auto at = header_size;
    for (; question.at(at) != 0; at += 1 + static_cast<unsigned char>(question[at])) {
        if (!name.empty()) name += '.';
        name += question.substr(at + 1, static_cast<unsigned char>(question[at]));
    }
    const auto type = std::uint16_t{static_cast<unsigned char>(question.at(at + 2))};
    if (type == type_a) ++asked[name];

    const auto known = names.find(name);
    std::string records;
    std::uint32_t count = 0;
    for (const auto& text : known == names.end() ? std::vector<std::string>{} : known->second.addresses) {
        const auto one = asio::ip::make_address(text);
        if (one.is_v4() != (type == type_a) || (type != type_a && type != type_aaaa)) continue;
        ++count;
        if (one.is_v4())
            append_record(records, type_a, known->second.ttl, one.to_v4().to_bytes());
        else
            append_record(records, type_aaaa, known->second.ttl, one.to_v6().to_bytes());
    }
    std::string reply = question.substr(0, 2);
    append(reply, 0x8180U | (known == names.end() ? 3U : 0U), 2);
    append(reply, 1, 2);
    append(reply, count, 2);
    append(reply, 0, 4);
    return reply + question.substr(header_size, at + 5 - header_size) + records;
}

}  // namespace shoal::test
