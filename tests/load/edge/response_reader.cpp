#include "tests/load/edge/response_reader.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>

#include <algorithm>
#include <limits>

#include "common/core/ascii.hpp"

namespace shoal::load {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;

/// A longer head than that is refused by Beast.
constexpr std::uint32_t longest_head = 65536;
/// Of a body somebody looks at; what follows is received and not kept.
constexpr std::size_t most_kept = 1'000'000;

}  // namespace

class response_reader::parser : public http::basic_parser<false> {
public:
    parser(const interest& wanted, bool to_head) : wanted_{wanted}
    {
        eager(true);
        skip(to_head);
        header_limit(longest_head);
        body_limit(std::numeric_limits<std::uint64_t>::max());
    }

    unsigned status = 0;
    std::string owner;
    std::string version_field;
    std::string body;

private:
    void on_request_impl(http::verb, boost::beast::string_view, boost::beast::string_view, int, error_code&) override {}
    void on_response_impl(int code, boost::beast::string_view, int, error_code&) override
    {
        status = static_cast<unsigned>(code);
    }
    void on_field_impl(http::field, boost::beast::string_view name, boost::beast::string_view value,
                       error_code&) override
    {
        const std::string_view given{name.data(), name.size()};
        if (iequals(given, wanted_.owner_field)) owner.assign(value.data(), value.size());
        if (iequals(given, wanted_.version_field)) version_field.assign(value.data(), value.size());
    }
    void on_header_impl(error_code&) override {}
    void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
    std::size_t on_body_impl(boost::beast::string_view part, error_code&) override { return keep(part); }
    void on_chunk_header_impl(std::uint64_t, boost::beast::string_view, error_code&) override {}
    std::size_t on_chunk_body_impl(std::uint64_t, boost::beast::string_view part, error_code&) override
    {
        return keep(part);
    }
    void on_finish_impl(error_code&) override {}

    std::size_t keep(boost::beast::string_view part)
    {
        if (wanted_.body) body.append(part.data(), std::min(part.size(), most_kept - body.size()));
        return part.size();
    }

    const interest& wanted_;
};

response_reader::response_reader(const interest& wanted) : wanted_{wanted} {}

response_reader::~response_reader() = default;

void response_reader::begin(bool to_head)
{
    to_head_ = to_head;
    parser_ = std::make_unique<parser>(wanted_, to_head);
    begun_ = false;
    left_.clear();
}

response_reader::state response_reader::received(std::string_view bytes)
{
    begun_ = true;
    if (left_.empty()) {
        left_ = parse(bytes);
    } else {
        left_ += bytes;
        left_.erase(0, left_.size() - parse(left_).size());
    }
    if (problem_) return state::malformed;
    return parser_->is_done() ? state::done : state::more;
}

std::string_view response_reader::parse(std::string_view bytes)
{
    while (!bytes.empty() && !parser_->is_done()) {
        const std::size_t used = parser_->put(asio::buffer(bytes.data(), bytes.size()), problem_);
        bytes.remove_prefix(used);
        const bool waits = problem_ == http::error::need_more;
        if (waits) problem_ = {};
        if (problem_ || (waits && used == 0)) break;
        // An interim answer: the real one follows.
        if (parser_->is_done() && parser_->status < 200 && parser_->status != 101)
            parser_ = std::make_unique<parser>(wanted_, to_head_);
    }
    return bytes;
}

response_reader::state response_reader::ended()
{
    if (!begun_) return state::more;
    problem_ = {};
    parser_->put_eof(problem_);
    return problem_ ? state::more : state::done;
}

bool response_reader::reusable() const noexcept
{
    return parser_ && parser_->is_done() && parser_->keep_alive() && left_.empty();
}

unsigned response_reader::status() const noexcept
{
    return parser_->status;
}

std::string_view response_reader::owner() const noexcept
{
    return parser_->owner;
}

std::string_view response_reader::version_field() const noexcept
{
    return parser_->version_field;
}

std::string_view response_reader::body() const noexcept
{
    return parser_->body;
}

std::string response_reader::problem() const
{
    return problem_.message();
}

}  // namespace shoal::load
