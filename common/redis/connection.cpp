#include "common/redis/connection.hpp"

#include "common/redis/hiredis_adapter.hpp"

#include <charconv>
#include <iterator>
#include <utility>

namespace shoal::redis {
namespace {

void append_header(std::string& text, char type, std::size_t number)
{
    char digits[20];
    const auto end = std::to_chars(std::begin(digits), std::end(digits), number).ptr;
    text += type;
    text.append(digits, end);
    text += "\r\n";
}

}  // namespace

void format_command(std::string& text, std::span<const std::string_view> arguments)
{
    text.clear();
    append_header(text, '*', arguments.size());
    for (const auto argument : arguments) {
        append_header(text, '$', argument.size());
        text += argument;
        text += "\r\n";
    }
}

connection::connection(boost::asio::io_context& loop, connection_events& events, metrics::counter& writes)
    : loop_{loop}, events_{events}, writes_{writes}
{
}

connection::~connection()
{
    close("no longer wanted");
}

connection& connection::of(const redisAsyncContext* context) noexcept
{
    return *static_cast<connection*>(context->data);
}

bool connection::open(const endpoint& where)
{
    context_ = where.unix_path.empty() ? redisAsyncConnect(where.address.c_str(), where.port)
                                       : redisAsyncConnectUnix(where.unix_path.c_str());
    if (context_ == nullptr) {
        failure_ = "out of memory";
        return false;
    }
    adapter_ = std::make_shared<hiredis_adapter>(loop_, writes_);
    boost::system::error_code unwatched;
    if (context_->err == 0) unwatched = adapter_->attach(*context_, [this] { on_gone(); });
    if (context_->err != 0 || unwatched) {
        failure_ = unwatched ? unwatched.message() : reason();
        redisAsyncFree(std::exchange(context_, nullptr));
        return false;
    }

    context_->data = this;
    replies_.attach(*context_);
    redisAsyncSetConnectCallback(context_, [](const redisAsyncContext* context, int status) {
        if (status == REDIS_OK) of(context).events_.opened();
    });
    return true;
}

bool connection::send(pending& command, std::span<const std::string_view> arguments)
{
    if (context_ == nullptr) return false;
    format_command(formatted_, arguments);
    const auto answered = [](redisAsyncContext* context, void* reply, void* data) {
        auto& sent = *static_cast<pending*>(data);
        if (reply == nullptr)
            of(context).events_.lost(sent);
        else
            of(context).events_.answered(sent, *static_cast<value*>(reply));
    };
    return redisAsyncFormattedCommand(context_, answered, &command, formatted_.data(), formatted_.size()) == REDIS_OK;
}

void connection::close(std::string_view why)
{
    if (context_ == nullptr) return;
    failure_ = why;
    redisAsyncFree(context_);
}

void connection::on_gone()
{
    if (failure_.empty()) failure_ = reason();
    context_ = nullptr;
    events_.closed();
}

std::string connection::reason() const
{
    if (replies_.unsolicited()) return "the server sent a reply that nobody asked for";
    return context_->c.errstr[0] != '\0' ? context_->c.errstr : "connection closed";
}

}  // namespace shoal::redis
