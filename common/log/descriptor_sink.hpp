#pragma once
// A spdlog sink on a descriptor that may be anything (file, terminal, full or closed pipe) and never blocks.

#include <spdlog/details/null_mutex.h>
#include <spdlog/sinks/base_sink.h>

#include <cstdint>
#include <functional>
#include <string>

namespace shoal::log {

/// Lines go out whole and in order. What the descriptor does not take is kept up to a bound; beyond it new
/// lines are dropped, and one line stands where they are missing.
class descriptor_sink final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
public:
    /// `lost_line` makes the line that says how many are missing, without its line feed.
    descriptor_sink(int descriptor, std::size_t limit, std::function<std::string(std::uint64_t)> lost_line);
    ~descriptor_sink() override;
    descriptor_sink(const descriptor_sink&) = delete;
    descriptor_sink& operator=(const descriptor_sink&) = delete;

    [[nodiscard]] std::uint64_t dropped() const noexcept { return dropped_; }

protected:
    void sink_it_(const spdlog::details::log_msg& message) override;
    void flush_() override;

private:
    /// Keeps the line, after the notice of those that are missing before it. False when both don't fit.
    bool keep(std::string_view line);
    void drain();
    /// How many of the first bytes were taken; 0 when none can be now.
    std::size_t write_some(std::string_view bytes) const noexcept;

    int descriptor_;
    int own_ = -1;
    bool socket_ = false;
    std::size_t limit_;
    std::function<std::string(std::uint64_t)> lost_line_;
    std::string waiting_;
    std::uint64_t missing_ = 0;  // dropped since the last notice
    std::uint64_t dropped_ = 0;
};

}  // namespace shoal::log
