#include "services/cache/origin/request_body.hpp"

#include <utility>

#include <fmt/format.h>

namespace shoal::cache::origin {

request_body::request_body(body_source source, std::optional<std::uint64_t> length)
    : source_{std::move(source)},
      left_{length},
      framing_{length ? fmt::format("Content-Length: {}\r\n\r\n", *length) : "Transfer-Encoding: chunked\r\n\r\n"}
{
}

boost::asio::awaitable<result<std::span<const std::string_view>>> request_body::next()
{
    const auto piece = co_await source_();
    if (!piece) co_return piece.error();
    ended_ = piece->empty();
    if (left_) {
        if (piece->size() > *left_ || (ended_ && *left_ > 0)) co_return errc::malformed_body;
        *left_ -= piece->size();
        pieces_ = {*piece};
    } else {
        const auto length = fmt::format_to_n(size_.data(), size_.size(), "{:x}\r\n", piece->size()).size;
        pieces_ = {std::string_view{size_.data(), length}, *piece, "\r\n"};
    }
    co_return std::span<const std::string_view>{pieces_};
}

}  // namespace shoal::cache::origin
