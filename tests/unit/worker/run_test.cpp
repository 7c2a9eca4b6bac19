// A whole worker, from its command line to its exit code.

#include "common/config/reader.hpp"
#include "common/worker/service.hpp"

#include "tests/support/temp_folder.hpp"

#include <boost/asio/steady_timer.hpp>

#include <catch2/catch.hpp>

#include <array>
#include <chrono>
#include <csignal>
#include <memory>
#include <string>

using namespace shoal;
using namespace std::chrono_literals;

namespace {

/// Is told to reload as soon as it has read its configuration, and to end once it has read it again.
class hasty final : public worker::service {
public:
    [[nodiscard]] std::string_view name() const noexcept override { return "hasty"; }
    [[nodiscard]] std::function<void()> read(config::object& section, const worker::facts&) override
    {
        section.done();
        std::raise(++reads == 1 ? SIGHUP : SIGTERM);
        return [] {};
    }
    [[nodiscard]] nlohmann::json effective() const override { return nlohmann::json::object(); }
    [[nodiscard]] std::vector<http::route> start(const worker::context& from) override
    {
        const auto give_up = std::make_shared<boost::asio::steady_timer>(from.loop, 5s);
        give_up->async_wait([give_up](const boost::system::error_code& ended) {
            if (!ended) std::raise(SIGTERM);
        });
        return {};
    }

    int reads = 0;
};

}  // namespace

TEST_CASE("run: a HUP that arrives while the worker starts is not lost", "[worker]")
{
    const test::temp_folder folder;
    const std::array<std::string, 9> words{"shoal-hasty",
                                           "--name",
                                           "hasty-1",
                                           "--listen",
                                           "unix:" + folder.file("w"),
                                           "--admin",
                                           "unix:" + folder.file("a"),
                                           "--redis-state",
                                           "unix:" + folder.file("absent")};
    std::array<char*, 9> arguments{};
    for (std::size_t i = 0; i < words.size(); ++i) arguments[i] = const_cast<char*>(words[i].c_str());
    hasty service;
    REQUIRE(worker::run(static_cast<int>(arguments.size()), arguments.data(), service) == 0);
    REQUIRE(service.reads == 2);
}
