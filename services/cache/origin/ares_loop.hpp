#pragma once
// c-ares on an Asio loop: it owns its sockets, this watches them and its time-outs.

#include <functional>
#include <map>
#include <memory>
#include <string>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <ares.h>

namespace shoal::cache::origin {

/// Shared with the handlers that are in flight.
class ares_loop : public std::enable_shared_from_this<ares_loop> {
public:
    /// `servers` ("address:port", separated by commas) in place of the machine's, unless it is empty.
    ares_loop(boost::asio::io_context& loop, const std::string& servers);
    ~ares_loop();
    ares_loop(const ares_loop&) = delete;
    ares_loop& operator=(const ares_loop&) = delete;

    /// Called once, maybe before ask() returns, with null when nothing was found; `found` is freed after it.
    using answer_function = std::function<void(const ares_addrinfo* found)>;
    void ask(const std::string& name, answer_function answer);
    /// Answers whoever waits with null, and watches nothing more.
    void close();

private:
    struct watched;
    using watched_ptr = std::shared_ptr<watched>;

    void state_changed(int descriptor, bool readable, bool writable);
    void await(const watched_ptr& on, boost::asio::posix::descriptor_base::wait_type what);
    void process(ares_socket_t readable, ares_socket_t writable);
    void arm_timer();

    boost::asio::io_context& loop_;
    boost::asio::steady_timer timer_;
    /// Null when c-ares could not begin, and after close().
    ares_channel channel_ = nullptr;
    std::map<int, watched_ptr> watched_;
};

}  // namespace shoal::cache::origin
