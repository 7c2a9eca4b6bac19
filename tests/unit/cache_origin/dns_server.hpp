#pragma once
// A DNS server that knows what a test tells it, over UDP on the test's loop.

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>

namespace shoal::test {

class dns_server {
public:
    struct record {
        std::vector<std::string> addresses;
        std::uint32_t ttl = 60;
    };

    explicit dns_server(boost::asio::io_context& loop);
    ~dns_server();

    /// "127.0.0.1:port".
    [[nodiscard]] std::string address() const;

    /// Names in lower case; what is not here does not exist.
    std::map<std::string, record> names;
    /// Questions are heard and not answered.
    bool silent = false;
    /// Of each name, for IPv4.
    std::map<std::string, int> asked;

private:
    void receive();
    [[nodiscard]] std::string answer(const std::string& question);

    boost::asio::ip::udp::socket socket_;
    boost::asio::ip::udp::endpoint from_;
    std::array<char, 1500> buffer_;
};

}  // namespace shoal::test
