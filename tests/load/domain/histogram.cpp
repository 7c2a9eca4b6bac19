#include "tests/load/domain/histogram.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace shoal::load {
namespace {

constexpr unsigned value_bits = 42;
constexpr std::uint64_t highest = (std::uint64_t{1} << value_bits) - 1;

std::chrono::nanoseconds ns(std::uint64_t value) noexcept
{
    return std::chrono::nanoseconds{static_cast<std::int64_t>(value)};
}

}  // namespace

histogram::histogram(unsigned precision)
    : precision_{precision}, buckets_(std::size_t{value_bits - precision + 1} << precision)
{
}

// Below 2^(precision+1) each value has a bucket. Above, the bits after the highest precision+1 are cut off.
std::size_t histogram::index(std::uint64_t value) const noexcept
{
    const auto width = static_cast<unsigned>(std::bit_width(value));
    if (width <= precision_ + 1) return value;
    const unsigned cut = width - (precision_ + 1);
    return (std::size_t{cut} << precision_) + (value >> cut);
}

std::uint64_t histogram::lower(std::size_t index) const noexcept
{
    const std::size_t block = index >> precision_;
    if (block <= 1) return index;
    const std::size_t cut = block - 1;
    return (index - (cut << precision_)) << cut;
}

void histogram::add(std::chrono::nanoseconds value) noexcept
{
    const auto counted = std::min(highest, static_cast<std::uint64_t>(std::max<std::int64_t>(0, value.count())));
    ++buckets_[index(counted)];
    ++count_;
    sum_ += static_cast<long double>(counted);
    largest_ = std::max(largest_, ns(counted));
}

void histogram::merge(const histogram& other) noexcept
{
    std::transform(buckets_.begin(), buckets_.end(), other.buckets_.begin(), buckets_.begin(), std::plus<>{});
    count_ += other.count_;
    sum_ += other.sum_;
    largest_ = std::max(largest_, other.largest_);
}

std::chrono::nanoseconds histogram::quantile(double q) const noexcept
{
    if (count_ == 0) return {};
    // Without the small part, 0.999 of 1000 would be the 1000th: the double is a little more than what it stands for.
    const double wanted = std::ceil(q * static_cast<double>(count_) * (1 - 1e-12));
    const auto rank = std::clamp<std::uint64_t>(static_cast<std::uint64_t>(wanted), 1, count_);
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < buckets_.size(); ++i) {
        seen += buckets_[i];
        if (seen >= rank) return std::min(largest_, ns(lower(i + 1) - 1));
    }
    return largest_;
}

std::chrono::nanoseconds histogram::mean() const noexcept
{
    if (count_ == 0) return {};
    return ns(static_cast<std::uint64_t>(sum_ / static_cast<long double>(count_)));
}

double histogram::relative_error() const noexcept
{
    return std::ldexp(1.0, -static_cast<int>(precision_));
}

void histogram::visit(const visitor& see) const
{
    for (std::size_t i = 0; i < buckets_.size(); ++i)
        if (buckets_[i] != 0) see(ns(lower(i)), ns(lower(i + 1)), buckets_[i]);
}

}  // namespace shoal::load
