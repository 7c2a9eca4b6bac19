#pragma once
// Views in Redis: what its scripts read, in verbs.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "common/core/clock.hpp"
#include "common/core/error.hpp"
#include "services/views/answer/entry.hpp"
#include "services/views/query/question.hpp"

namespace shoal::redis {
class client;
class script;
struct value;
}  // namespace shoal::redis

namespace shoal::views {

struct reading {
    enum class outcome : std::uint8_t {
        found,
        /// No relay keeps the view under the log's epoch.
        unattended,
        /// `names` has those that there are.
        unknown,
        failed,
        /// More bytes than one answer may have.
        large,
        /// Of an intersection: a view whose entries are no sets.
        kind,
        /// Of an intersection: an entry that is not there may only be missing.
        filling,
        /// Of an intersection: even the smallest has too many members.
        many,
    };

    /// Of the purge log, when it was read.
    std::uint64_t epoch = 0;
    outcome is = outcome::found;
    views::kind of = views::kind::document;
    state at = state::ready;
    /// As many as were asked for, one of an intersection.
    std::vector<entry> entries;
    std::vector<std::string> names;
    /// The view that it is about, where nothing was found.
    std::string view;
};

struct listing {
    std::uint64_t epoch = 0;
    /// By name.
    std::vector<listed_view> views;
};

class reader {
public:
    /// The connection lives longer.
    explicit reader(redis::client& state) : state_{state} {}

    template <class T>
    using reply = boost::asio::awaitable<result<T>>;

    /// `known` is the newest epoch that the caller has heard of. The question lives until the awaited call returns.
    [[nodiscard]] reply<reading> read(const question& asked, std::uint64_t known, boot_time deadline);
    [[nodiscard]] reply<listing> list(std::uint64_t known, boot_time deadline);

private:
    [[nodiscard]] reply<redis::value> run(const redis::script& code, std::span<const std::string> arguments,
                                          boot_time deadline);

    redis::client& state_;
};

}  // namespace shoal::views
