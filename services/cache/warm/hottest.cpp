#include "services/cache/warm/hottest.hpp"

#include <string>
#include <utility>

#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "services/cache/warm/listing.hpp"

namespace shoal::cache {
namespace {

namespace asio = boost::asio;

/// In one turn of the loop: everybody who is served meanwhile waits for it.
constexpr std::size_t at_once = 500;

asio::awaitable<http::response> list(asio::io_context& loop, memory& of)
{
    memory::walk through{of};
    std::string text;
    std::size_t lines = 0;
    std::size_t seen = 0;
    for (auto step = through.next(); step && lines < most_listed; step = through.next()) {
        if (step->what) {
            append_line(text, *step->what, step->rank);
            ++lines;
        }
        if (++seen % at_once == 0) co_await asio::post(loop, asio::use_awaitable);
    }
    co_return http::response{200}.body("text/plain", std::move(text));
}

}  // namespace

http::route hottest_route(asio::io_context& loop, memory& of)
{
    return {http::verb::get, hottest_path, "hottest", [&loop, &of](http::request&) { return list(loop, of); }};
}

}  // namespace shoal::cache
