#include "services/cache/store/second_level.hpp"

#include <array>
#include <optional>
#include <random>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "cache_store_embedded.hpp"
#include "common/redis/client.hpp"
#include "common/runtime/task_group.hpp"
#include "services/cache/memory/record.hpp"
#include "services/cache/store/second_level_follower.hpp"
#include "services/cache/store/second_level_leader.hpp"
#include "services/cache/store/second_level_worth.hpp"

namespace shoal::cache {
namespace {

using boost::asio::awaitable;

/// Stands for the head and what belongs to it among what waits.
constexpr std::uint64_t head_bytes = 2'048;

std::vector<std::string> lines_of(std::string_view text)
{
    std::vector<std::string> made;
    while (!text.empty()) {
        const auto end = std::min(text.find('\n'), text.size());
        made.emplace_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return made;
}

}  // namespace

class second_level::impl {
public:
    impl(boost::asio::io_context& loop, runtime::task_group& tasks, redis::client& redis,
         const second_level_settings& chosen)
        : link_{.loop = loop, .tasks = tasks, .redis = redis, .largest = chosen.largest}, chosen_{chosen}
    {
    }

    // Whoever calls one of these keeps the object until it ends.
    [[nodiscard]] awaitable<stored_ptr> find(std::string key, variant_source& asks);
    [[nodiscard]] awaitable<result<stored_ptr>> load(std::string name);
    [[nodiscard]] awaitable<claim> acquire(std::string key);
    /// In the background.
    static void keep(const std::shared_ptr<impl>& self, stored_ptr what, std::optional<fill_id> replaces);

    [[nodiscard]] bool available() const noexcept { return link_.redis.available(); }
    void leave_out() { ++total_.left_out; }
    [[nodiscard]] const counts& total() const noexcept { return total_; }

private:
    using reply = result<redis::value>;

    [[nodiscard]] awaitable<std::optional<std::string>> get(std::string name, boot_time deadline);
    [[nodiscard]] awaitable<stored_ptr> find_variant(const url_keys& names, std::string ways, std::string_view key,
                                                     variant_source& asks, boot_time deadline);
    [[nodiscard]] stored_ptr read(std::string record);
    [[nodiscard]] std::string draw_token();
    static awaitable<void> write(std::shared_ptr<impl> self, stored_ptr what, std::optional<fill_id> replaces);
    [[nodiscard]] awaitable<reply> put(const stored& what, std::optional<fill_id> replaces,
                                       std::chrono::milliseconds lasts);

    second_level_link link_;
    second_level_settings chosen_;
    counts total_;
    std::uint64_t waiting_bytes_ = 0;
    std::size_t waiting_ = 0;
    /// Tokens are drawn rarely, and must differ between workers that began at the same time.
    std::random_device random_;
};

awaitable<std::optional<std::string>> second_level::impl::get(std::string name, boot_time deadline)
{
    const std::array<std::string_view, 2> command{"GET", name};
    auto answer = co_await link_.redis.command(command, deadline);
    if (!answer || answer->text() == nullptr) co_return std::nullopt;
    co_return std::get<std::string>(std::move(answer).value());
}

stored_ptr second_level::impl::read(std::string record)
{
    auto made = decode(std::move(record), wall_clock::now(), boot_clock::now());
    if (made == nullptr) ++total_.malformed;
    return made;
}

awaitable<stored_ptr> second_level::impl::find(std::string key, variant_source& asks)
{
    const boot_time deadline = boot_clock::now() + chosen_.patience;
    const url_keys names{key};
    auto record = co_await get(names.record(), deadline);
    stored_ptr found;
    if (record && record->starts_with("V\n")) {
        found = co_await find_variant(names, *std::move(record), key, asks, deadline);
    } else if (record) {
        found = read(*std::move(record));
        // Of another URL with the same hash.
        if (found != nullptr && (found->key() != key || !found->vary().empty())) found = nullptr;
    }
    ++(found == nullptr ? total_.not_found : total_.found);
    co_return found;
}

awaitable<result<stored_ptr>> second_level::impl::load(std::string name)
{
    const std::array<std::string_view, 2> command{"GET", name};
    auto answer = co_await link_.redis.command(command);
    if (!answer) co_return answer.error();
    auto* const record = std::get_if<std::string>(&answer.value());
    // Of a URL that has had a Vary since, it is the way to its variants.
    if (record == nullptr || record->starts_with("V\n")) co_return stored_ptr{};
    auto found = read(std::move(*record));
    if (found != nullptr && record_name(*found) != name) found = nullptr;
    co_return found;
}

awaitable<stored_ptr> second_level::impl::find_variant(const url_keys& names, std::string ways, std::string_view key,
                                                       variant_source& asks, boot_time deadline)
{
    for (const auto& vary : lines_of(std::string_view{ways}.substr(2))) {
        const std::string wanted{asks.of(vary)};
        auto record = co_await get(names.variant(vary, wanted), deadline);
        if (!record) continue;
        auto found = read(*std::move(record));
        if (found != nullptr && found->key() == key && found->vary() == vary && found->variant() == wanted)
            co_return found;
    }
    co_return nullptr;
}

void second_level::impl::keep(const std::shared_ptr<impl>& self, stored_ptr what, std::optional<fill_id> replaces)
{
    const auto size = what->body_length() + head_bytes;
    if (what->body_length() > self->chosen_.largest || self->waiting_ >= self->chosen_.waiting ||
        self->waiting_bytes_ + size > self->chosen_.waiting_bytes)
        return self->leave_out();
    ++self->waiting_;
    self->waiting_bytes_ += size;
    self->link_.tasks.spawn("writing to the second level", write(self, std::move(what), replaces));
}

awaitable<void> second_level::impl::write(std::shared_ptr<impl> self, stored_ptr what, std::optional<fill_id> replaces)
{
    const auto lasts = worth(*what, boot_clock::now(), self->chosen_.validation);
    bool written = false;
    if (lasts.count() > 0) {
        const auto answer = co_await self->put(*what, replaces, lasts);
        written = answer && answer->integer() != nullptr && *answer->integer() == 1;
    }
    ++(written ? self->total_.written : self->total_.left_out);
    --self->waiting_;
    self->waiting_bytes_ -= what->body_length() + head_bytes;
}

awaitable<result<redis::value>> second_level::impl::put(const stored& what, std::optional<fill_id> replaces,
                                                        std::chrono::milliseconds lasts)
{
    static const redis::script code{"second_put", embedded::second_put_lua};
    const url_keys names{what.key()};
    const bool varies = !what.vary().empty();
    const std::array<std::string, 2> name{names.record(), names.variant(what.vary(), what.variant())};
    const std::array<std::string_view, 2> keys{name[0], name[1]};
    const std::string record = encode(what);
    const std::string duration = std::to_string(lasts.count());
    const std::string fill = encode(replaces.value_or(fill_id{}));
    const std::array<std::string_view, 4> arguments{record, duration, what.vary(), fill};
    co_return co_await link_.redis.eval(code, std::span{keys}.first(varies ? 2 : 1),
                                        std::span{arguments}.first(replaces ? 4 : 3));
}

std::string second_level::impl::draw_token()
{
    std::string made;
    for (int i = 0; i < 4; ++i) {
        const auto bits = random_();
        made.append(reinterpret_cast<const char*>(&bits), sizeof bits);
    }
    return made;
}

awaitable<second_level::claim> second_level::impl::acquire(std::string key)
{
    static const redis::script code{"second_acquire", embedded::second_acquire_lua};
    fill_turn taken{.names = url_keys{key}, .token = draw_token()};
    const std::array<std::string, 2> name{taken.names.lock(), taken.names.waiting()};
    const std::array<std::string_view, 2> keys{name[0], name[1]};
    const std::string lock = std::to_string(lasts::lock.count());
    const std::string wait = std::to_string(lasts::wait.count());
    const std::array<std::string_view, 3> arguments{taken.token, lock, wait};
    const auto answer = co_await link_.redis.eval(code, keys, arguments, boot_clock::now() + chosen_.patience);

    claim made;
    if (!answer || answer->text() == nullptr) co_return made;
    const auto& holder = *answer->text();
    if (holder.empty()) {
        made.whose = turn::ours;
        made.lead = make_leader(link_, std::move(taken));
    } else if (holder == "nobodys") {
        made.whose = turn::nobodys;
    } else {
        made.whose = turn::theirs;
        taken.token = holder;
        made.follow = make_follower(link_, std::move(taken));
    }
    co_return made;
}

second_level::second_level(boost::asio::io_context& loop, runtime::task_group& tasks, redis::client* redis,
                           second_level_settings chosen)
{
    if (redis != nullptr) impl_ = std::make_shared<impl>(loop, tasks, *redis, chosen);
}

second_level::~second_level() = default;

awaitable<stored_ptr> second_level::find(std::string key, variant_source& asks)
{
    const auto held = impl_;
    if (!held) co_return nullptr;
    co_return co_await held->find(std::move(key), asks);
}

awaitable<result<stored_ptr>> second_level::load(std::string name)
{
    const auto held = impl_;
    if (!held) co_return errc::redis_unavailable;
    co_return co_await held->load(std::move(name));
}

void second_level::put(stored_ptr what)
{
    if (impl_) impl::keep(impl_, std::move(what), std::nullopt);
}

void second_level::update(stored_ptr what, fill_id replaces)
{
    if (impl_) impl::keep(impl_, std::move(what), replaces);
}

awaitable<second_level::claim> second_level::acquire(std::string key)
{
    const auto held = impl_;
    if (!held) co_return claim{};
    co_return co_await held->acquire(std::move(key));
}

bool second_level::available() const noexcept
{
    return impl_ && impl_->available();
}

const second_level::counts& second_level::total() const noexcept
{
    static const counts none;
    return impl_ ? impl_->total() : none;
}

}  // namespace shoal::cache
