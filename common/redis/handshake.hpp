#pragma once
// What happens on every connection before anybody may use it: authentication, which server this is, and
// whether its data is the data that was there before.

#include "common/core/error.hpp"
#include "common/redis/options.hpp"
#include "common/redis/value.hpp"

#include <boost/asio/awaitable.hpp>

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace shoal::redis {

enum class data_event : std::uint8_t;

/// Random, written once by whichever worker finds it missing: while it is the same, so is the data.
inline constexpr std::string_view epoch_key = "shoal:epoch";

struct identity {
    /// Redis draws it at every start.
    std::string run_id;
    std::string epoch;
    bool operator==(const identity&) const = default;
};

[[nodiscard]] std::optional<data_event> compare(const identity& before, const identity& now) noexcept;

/// The value of one line "name:value" in an answer to INFO; empty when it is not there.
[[nodiscard]] std::string_view info_field(std::string_view info, std::string_view name) noexcept;

/// One command on the new connection; error replies are values (error_text).
using exchange_function = std::function<boost::asio::awaitable<result<value>>(std::span<const std::string_view>)>;

struct handshake_outcome {
    std::optional<identity> server;
    /// Why not, for the log; never holds the password.
    std::string failure;
};

/// The referenced arguments live until it returns.
[[nodiscard]] boost::asio::awaitable<handshake_outcome> shake_hands(const endpoint& where,
                                                                    const exchange_function& exchange);

}  // namespace shoal::redis
