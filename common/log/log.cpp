#include "common/log/log.hpp"

#include "common/core/clock.hpp"
#include "common/log/descriptor_sink.hpp"
#include "common/log/format.hpp"

#include <spdlog/logger.h>

#include <unistd.h>

#include <cstdlib>
#include <utility>

namespace shoal::log {
namespace {

spdlog::level::level_enum spdlog_level(level severity) noexcept
{
    switch (severity) {
    case level::debug: return spdlog::level::debug;
    case level::info: return spdlog::level::info;
    case level::warning: return spdlog::level::warn;
    case level::error: return spdlog::level::err;
    }
    return spdlog::level::err;
}

/// A terminal whose user has not asked for NO_COLOR (https://no-color.org).
bool wants_colour(int descriptor) noexcept
{
    const char* refused = std::getenv("NO_COLOR");
    return isatty(descriptor) == 1 && (refused == nullptr || *refused == '\0');
}

}  // namespace

class logger::impl {
public:
    explicit impl(options chosen)
        : options_{std::move(chosen)},
          coloured_{wants_colour(options_.descriptor)},
          sink_{std::make_shared<descriptor_sink>(options_.descriptor, options_.buffer_limit,
                                                  [this](std::uint64_t count) { return lost_line(count); })},
          logger_{"shoal", sink_}
    {
        logger_.set_level(spdlog_level(options_.least));
        // The default handler prints to stderr, which may block. A line that can't be made is lost.
        logger_.set_error_handler([](const std::string&) {});
    }

    void write(level severity, std::string_view message, fields values)
    {
        if (!logger_.should_log(spdlog_level(severity))) return;
        const std::string made = line({wall_clock::now(), severity, options_.worker, message, values});
        logger_.log(spdlog_level(severity), spdlog::string_view_t{made.data(), made.size()});
    }

    void set_level(level least) { logger_.set_level(spdlog_level(least)); }
    void flush() { logger_.flush(); }
    [[nodiscard]] std::uint64_t dropped() const noexcept { return sink_->dropped(); }

private:
    [[nodiscard]] std::string line(const record& what) const
    {
        return options_.format == style::json ? json_line(what) : text_line(what, coloured_);
    }

    [[nodiscard]] std::string lost_line(std::uint64_t count) const
    {
        return line({wall_clock::now(),
                     level::warning,
                     options_.worker,
                     "log lines were lost here: nobody read them fast enough",
                     {{"lost", count}}});
    }

    options options_;
    bool coloured_;
    std::shared_ptr<descriptor_sink> sink_;
    spdlog::logger logger_;
};

style style_for(int descriptor) noexcept
{
    return isatty(descriptor) == 1 ? style::text : style::json;
}

logger::logger(options chosen) : impl_{std::make_unique<impl>(std::move(chosen))} {}

logger::~logger()
{
    flush();
}

void logger::write(level severity, std::string_view message, fields values)
{
    impl_->write(severity, message, values);
}

void logger::set_level(level least) noexcept
{
    impl_->set_level(least);
}

void logger::flush() noexcept
{
    impl_->flush();
}

std::uint64_t logger::dropped() const noexcept
{
    return impl_->dropped();
}

}  // namespace shoal::log
