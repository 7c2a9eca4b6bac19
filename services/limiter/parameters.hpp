#pragma once
// What a request on one key says: which key, at what cost. Pure: strings in, values or a problem out.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <boost/system/result.hpp>

namespace shoal::limiter {

constexpr std::size_t most_key_bytes = 512;

/// Why a request is refused; `detail` is for the client and says what to do.
struct refusal {
    refusal() = default;
    refusal(unsigned with_status, std::string why) : status{with_status}, detail{std::move(why)} {}

    unsigned status = 400;
    std::string detail;
};

template <class T>
using parsed = boost::system::result<T, refusal>;

[[noreturn]] void throw_exception_from_error(const refusal& refused, const boost::source_location& where);

/// A view of the request where nothing was encoded, else a copy; the view outlives a move of this.
class key_text {
public:
    explicit key_text(std::string_view as_sent) : text_{as_sent} {}
    explicit key_text(std::string decoded)
        : decoded_{std::make_unique<const std::string>(std::move(decoded))}, text_{*decoded_}
    {
    }

    [[nodiscard]] std::string_view view() const noexcept { return text_; }

private:
    std::unique_ptr<const std::string> decoded_;
    std::string_view text_;
};

/// What every key has to be: UTF-8 of 1 to 512 bytes; any character, U+0000 too.
[[nodiscard]] std::optional<refusal> refuse_key(std::string_view key);

/// One path segment or value of a query, still percent-encoded.
[[nodiscard]] parsed<key_text> read_key(std::string_view encoded);

/// From the query (?cost=3) or a JSON body ({"cost":3}), 1 when neither has it; both must agree.
/// What passes 64 bits counts as the most that they hold.
[[nodiscard]] parsed<std::int64_t> read_cost(std::string_view query, std::string_view body);

/// A cost as it stands in a query.
[[nodiscard]] parsed<std::int64_t> read_cost_text(std::string_view text);

/// 422 for a cost above what the rule allows for one request.
[[nodiscard]] std::optional<refusal> refuse_cost(std::int64_t cost, std::int64_t most);

/// 1 to 255 visible ASCII characters.
[[nodiscard]] std::optional<refusal> refuse_idempotency_key(std::string_view value);

}  // namespace shoal::limiter
