#include "tests/load/domain/knee.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "common/config/duration.hpp"
#include "common/core/ascii.hpp"
#include "tests/load/domain/bad_input.hpp"

namespace shoal::load {
namespace {

/// The interval that is left is at most so much of its lower end.
constexpr double resolution = 0.04;
constexpr unsigned most_trials = 60;
constexpr std::uint64_t least_rate = 1000;

[[noreturn]] void refuse(std::string_view text)
{
    throw bad_input{fmt::format(
        "--slo '{}' must be a percentile and its limit, as p99=5ms or p999=1s; with ,errors=1% it says what may fail",
        text)};
}

std::optional<double> parse_quantile(std::string_view text)
{
    // p99 is 0.99, p999 is 0.999.
    if (text.size() < 3 || text.size() > 6 || text.front() != 'p') return std::nullopt;
    text.remove_prefix(1);
    if (!std::ranges::all_of(text, is_digit)) return std::nullopt;
    double quantile = 0;
    double weight = 1;
    for (const char digit : text) quantile += (weight /= 10) * (digit - '0');
    return quantile;
}

}  // namespace

objective parse_objective(std::string_view text)
{
    objective wanted;
    auto rest = text;
    while (!rest.empty()) {
        const auto part = rest.substr(0, rest.find(','));
        rest.remove_prefix(std::min(rest.size(), part.size() + 1));
        const auto equals = std::min(part.find('='), part.size());
        const auto value = part.substr(std::min(part.size(), equals + 1));
        if (part.substr(0, equals) == "errors") {
            const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), wanted.errors);
            if (error != std::errc{} || std::string_view{end, value.data() + value.size()} != "%") refuse(text);
            wanted.errors /= 100;
            if (!(wanted.errors >= 0 && wanted.errors <= 1)) refuse(text);
            continue;
        }
        const auto quantile = parse_quantile(part.substr(0, equals));
        const auto latency = config::parse_duration(value);
        if (!quantile || !latency || latency->count() == 0) refuse(text);
        wanted.quantile = *quantile;
        wanted.latency = *latency;
    }
    return wanted;
}

std::string describe(const objective& wanted)
{
    const auto limit = std::chrono::duration_cast<std::chrono::microseconds>(wanted.latency);
    return fmt::format("p{:g} at most {}, errors at most {:g}%", wanted.quantile * 100, config::format_duration(limit),
                       wanted.errors * 100);
}

bool meets(const group& seen, const objective& wanted) noexcept
{
    const auto requests = static_cast<double>(seen.requests());
    if (seen.answers() == 0 || static_cast<double>(seen.errors()) > wanted.errors * requests) return false;
    return seen.latency.quantile(wanted.quantile) <= wanted.latency;
}

knee_search::knee_search(arrival_rate first, arrival_rate most)
    : most_{most.milli}, trying_{std::min(first.milli, most.milli)}
{
}

bool knee_search::narrow() const noexcept
{
    if (failed_ == 0) return false;
    const auto width = static_cast<double>(failed_ - best_);
    return best_ == 0 ? failed_ <= least_rate : width <= resolution * static_cast<double>(best_);
}

std::optional<arrival_rate> knee_search::next() const noexcept
{
    if (trials_ >= most_trials || best_ == most_ || (narrow() && sure_)) return std::nullopt;
    return arrival_rate{trying_};
}

void knee_search::record(bool met) noexcept
{
    ++trials_;
    if (met) {
        best_ = trying_;
        // The bound was none.
        if (trying_ == failed_) failed_ = 0;
    } else if (trying_ == failed_) {
        sure_ = true;
        return;
    } else if (!again_) {
        again_ = true;
        return;
    } else {
        failed_ = trying_;
    }
    again_ = false;
    choose_next();
}

void knee_search::choose_next() noexcept
{
    if (failed_ == 0)
        trying_ = std::min(most_, best_ * 2);
    else if (narrow())
        trying_ = failed_;
    else
        // With nothing that did so far the way is down by halves as well.
        trying_ = std::max(least_rate, (best_ + failed_) / 2);
}

std::optional<arrival_rate> knee_search::found() const noexcept
{
    if (best_ == 0) return std::nullopt;
    return arrival_rate{best_};
}

}  // namespace shoal::load
