#pragma once
// A unix socket whose every connection gets the same bytes once it has asked for something.

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>

#include <cstddef>
#include <memory>
#include <string>

#include "tests/support/temp_folder.hpp"

namespace shoal::test {

class answering_socket {
public:
    explicit answering_socket(boost::asio::io_context& loop);

    [[nodiscard]] std::string path() const { return folder_.file("s"); }
    /// Nobody listens there any more.
    void stop_listening() { acceptor_.close(); }
    void answer(std::string bytes) { answer_ = std::move(bytes); }
    /// 200 with that body.
    void answer_body(const std::string& body);
    /// Reads, and says nothing.
    void be_silent() { silent_ = true; }
    /// What was asked last.
    [[nodiscard]] const std::string& asked() const { return asked_; }

private:
    using stream = boost::asio::local::stream_protocol;

    void accept();

    temp_folder folder_;
    stream::acceptor acceptor_;
    std::string answer_;
    std::string asked_;
    bool silent_ = false;
};

}  // namespace shoal::test
