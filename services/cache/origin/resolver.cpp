#include "services/cache/origin/resolver.hpp"

#include <algorithm>
#include <cstring>
#include <functional>
#include <map>
#include <utility>

#include <boost/intrusive/list.hpp>

#include <netinet/in.h>

#include "services/cache/origin/ares_loop.hpp"
#include "services/cache/origin/waiter.hpp"

namespace shoal::cache::origin {
namespace {

namespace asio = boost::asio;

asio::ip::address to_address(const ares_addrinfo_node& node)
{
    if (node.ai_family == AF_INET) {
        const auto* const from = reinterpret_cast<const sockaddr_in*>(node.ai_addr);
        return asio::ip::address_v4{ntohl(from->sin_addr.s_addr)};
    }
    const auto* const from = reinterpret_cast<const sockaddr_in6*>(node.ai_addr);
    asio::ip::address_v6::bytes_type bytes;
    std::memcpy(bytes.data(), &from->sin6_addr, bytes.size());
    return asio::ip::address_v6{bytes, from->sin6_scope_id};
}

}  // namespace

class resolver::impl : public std::enable_shared_from_this<impl> {
public:
    impl(asio::io_context& loop, resolver_options chosen) : loop_{loop}, options_{std::move(chosen)} {}

    [[nodiscard]] static asio::awaitable<result<addresses>> find(std::shared_ptr<impl> self, std::string name,
                                                                 boot_time deadline);
    void close();

private:
    struct entry {
        addresses known;
        /// When it is asked for anew.
        boot_time until{boot_time::min()};
        bool asking = false;
        boost::intrusive::list<waiter, boost::intrusive::constant_time_size<false>> waiting;
    };
    using entry_ptr = std::shared_ptr<entry>;

    void ask(const std::string& name, const entry_ptr& about);
    void answered(entry& about, const ares_addrinfo* found) const;

    asio::io_context& loop_;
    resolver_options options_;
    std::shared_ptr<ares_loop> ares_;
    std::map<std::string, entry_ptr, std::less<>> entries_;
};

asio::awaitable<result<addresses>> resolver::impl::find(std::shared_ptr<impl> self, std::string name,
                                                        boot_time deadline)
{
    auto& place = self->entries_[name];
    if (!place) place = std::make_shared<entry>();
    const auto about = place;
    if (boot_clock::now() >= about->until && !about->asking) self->ask(name, about);
    if (!about->known && about->asking) {
        waiter here{self->loop_};
        about->waiting.push_back(here);
        co_await here.wait(deadline);
    }
    if (!about->known) co_return errc::origin_unreachable;
    co_return about->known;
}

void resolver::impl::ask(const std::string& name, const entry_ptr& about)
{
    if (!ares_) ares_ = std::make_shared<ares_loop>(loop_, options_.servers);
    about->asking = true;
    ares_->ask(name, [here = weak_from_this(), about](const ares_addrinfo* found) {
        about->asking = false;
        if (const auto self = here.lock()) self->answered(*about, found);
    });
}

/// A failure changes nothing but the time of the next attempt.
void resolver::impl::answered(entry& about, const ares_addrinfo* found) const
{
    auto fresh = std::make_shared<std::vector<asio::ip::address>>();
    std::chrono::milliseconds ttl = options_.most;
    for (const auto* node = found != nullptr ? found->nodes : nullptr; node != nullptr; node = node->ai_next) {
        if (node->ai_family != AF_INET && node->ai_family != AF_INET6) continue;
        fresh->push_back(to_address(*node));
        // Of /etc/hosts it is 0.
        ttl = std::min<std::chrono::milliseconds>(ttl, std::chrono::seconds{std::max(node->ai_ttl, 0)});
    }
    const bool failed = fresh->empty();
    if (!failed) about.known = std::move(fresh);
    const auto pause =
        failed && !about.known ? options_.after_failure : std::max(failed ? options_.least : ttl, options_.least);
    about.until = boot_clock::now() + pause;
    while (!about.waiting.empty()) about.waiting.front().wake();
}

void resolver::impl::close()
{
    if (ares_) ares_->close();
    for (const auto& [name, about] : entries_)
        while (!about->waiting.empty()) about->waiting.front().wake();
}

resolver::resolver(asio::io_context& loop, resolver_options chosen)
    : impl_{std::make_shared<impl>(loop, std::move(chosen))}
{
}

resolver::~resolver()
{
    impl_->close();
}

asio::awaitable<result<addresses>> resolver::find(std::string name, boot_time deadline)
{
    return impl::find(impl_, std::move(name), deadline);
}

}  // namespace shoal::cache::origin
