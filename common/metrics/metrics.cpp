#include "common/metrics/metrics.hpp"

#include <fmt/format.h>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <stdexcept>
#include <variant>

namespace shoal::metrics {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

bool is_name(std::string_view text, bool colons) noexcept
{
    const auto allowed = [colons](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
               (colons && c == ':');
    };
    return !text.empty() && !(text.front() >= '0' && text.front() <= '9') &&
           std::all_of(text.begin(), text.end(), allowed);
}

void check_names(const std::string& name, MetricType kind, const labels& with)
{
    if (!is_name(name, true)) throw std::invalid_argument{"not a metric's name: " + name};
    if (kind == MetricType::Counter && !name.ends_with("_total"))
        throw std::invalid_argument{"a counter's name ends in _total: " + name};
    for (const auto& [label, value] : with)
        if (!is_name(label, false) || label.starts_with("__") || label == "le")
            throw std::invalid_argument{fmt::format("not a label's name: {} of {}", label, name)};
}

void fill(ClientMetric& shown, const counter& from)
{
    shown.counter.value = static_cast<double>(from.value());
}

void fill(ClientMetric& shown, const gauge& from)
{
    shown.gauge.value = from.value();
}

void fill(ClientMetric& shown, const std::function<double()>& from)
{
    shown.gauge.value = from();
}

void fill(ClientMetric& shown, const histogram& from)
{
    std::uint64_t cumulative = 0;
    for (std::size_t i = 0; i < from.counts().size(); ++i) {
        cumulative += from.counts()[i];
        const double bound = i < from.bounds().size() ? from.bounds()[i] : std::numeric_limits<double>::infinity();
        shown.histogram.bucket.push_back({cumulative, bound});
    }
    shown.histogram.sample_count = cumulative;
    shown.histogram.sample_sum = from.sum();
}

}  // namespace

histogram::histogram(std::vector<double> bounds) : bounds_{std::move(bounds)}, counts_(bounds_.size() + 1)
{
    const bool finite = std::all_of(bounds_.begin(), bounds_.end(), [](double bound) { return std::isfinite(bound); });
    const bool ascending = std::adjacent_find(bounds_.begin(), bounds_.end(), std::greater_equal<>{}) == bounds_.end();
    if (!finite || !ascending) throw std::invalid_argument{"the bounds of a histogram are finite and ascend"};
}

void histogram::observe(double value) noexcept
{
    if (std::isnan(value)) return;
    const auto bucket = std::lower_bound(bounds_.begin(), bounds_.end(), value) - bounds_.begin();
    ++counts_[static_cast<std::size_t>(bucket)];
    sum_ += value;
}

std::vector<double> latency_bounds()
{
    return {50e-6, 100e-6, 200e-6, 500e-6, 1e-3, 2e-3, 5e-3, 10e-3, 20e-3, 50e-3, 0.1, 0.2, 0.5, 1, 2, 5};
}

class registry::impl {
public:
    /// The metric of this name and these labels, made from `arguments` when it is new.
    template <class Metric, class... Arguments>
    Metric& obtain(const std::string& name, std::string help, MetricType kind, labels with, Arguments&&... arguments)
    {
        check_names(name, kind, with);
        family& in = families_.try_emplace(name, family{std::move(help), kind, {}, {}}).first->second;
        if (in.kind != kind) throw std::logic_error{"metric " + name + " is there already, of another kind"};
        if (const auto known = in.by_labels.find(with); known != in.by_labels.end()) {
            if (auto* found = std::get_if<Metric>(&known->second->metric)) return *found;
            throw std::logic_error{"gauge " + name + " is there already, read another way"};
        }
        in.all.push_back(std::make_unique<series>(
            series{std::move(with), any_metric{std::in_place_type<Metric>, std::forward<Arguments>(arguments)...}}));
        auto& made = *in.all.back();
        in.by_labels.emplace(made.with, &made);
        return std::get<Metric>(made.metric);
    }

    [[nodiscard]] std::string render() const
    {
        std::vector<MetricFamily> shown;
        for (const auto& [name, from] : families_) {
            MetricFamily& into = shown.emplace_back();
            into.name = name;
            into.help = from.help;
            into.type = from.kind;
            for (const auto& one : from.all) into.metric.push_back(client_metric(*one));
        }
        return prometheus::TextSerializer{}.Serialize(shown);
    }

private:
    using any_metric = std::variant<counter, gauge, histogram, std::function<double()>>;

    struct series {
        labels with;
        any_metric metric;
    };

    struct family {
        std::string help;
        MetricType kind;
        std::vector<std::unique_ptr<series>> all;  // references into it were given away
        std::map<labels, series*> by_labels;       // a service may have thousands
    };

    static ClientMetric client_metric(const series& one)
    {
        ClientMetric shown;
        for (const auto& [name, value] : one.with) shown.label.push_back({name, value});
        std::visit([&](const auto& metric) { fill(shown, metric); }, one.metric);
        return shown;
    }

    std::map<std::string, family> families_;
};

registry::registry() : impl_{std::make_unique<impl>()} {}
registry::~registry() = default;

counter& registry::add_counter(const std::string& name, std::string help, labels with)
{
    return impl_->obtain<counter>(name, std::move(help), MetricType::Counter, std::move(with));
}

gauge& registry::add_gauge(const std::string& name, std::string help, labels with)
{
    return impl_->obtain<gauge>(name, std::move(help), MetricType::Gauge, std::move(with));
}

histogram& registry::add_histogram(const std::string& name, std::string help, std::vector<double> bounds, labels with)
{
    histogram& made = impl_->obtain<histogram>(name, std::move(help), MetricType::Histogram, std::move(with), bounds);
    if (made.bounds() != bounds) throw std::logic_error{"histogram " + name + " is there already, with other bounds"};
    return made;
}

void registry::add_gauge(const std::string& name, std::string help, labels with, std::function<double()> read)
{
    auto& made = impl_->obtain<std::function<double()>>(name, std::move(help), MetricType::Gauge, std::move(with));
    if (made) throw std::logic_error{"gauge " + name + " is there already"};
    made = std::move(read);
}

std::string registry::render() const
{
    return impl_->render();
}

}  // namespace shoal::metrics
