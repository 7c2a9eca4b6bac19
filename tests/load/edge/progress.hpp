#pragma once
// How a run goes on: on a terminal one line that is rewritten, in a log a line now and then.

#include <chrono>
#include <string_view>

namespace shoal::load {

class progress {
public:
    explicit progress(bool quiet);
    ~progress();
    progress(const progress&) = delete;
    progress& operator=(const progress&) = delete;

    /// The next line is due.
    [[nodiscard]] bool due(std::chrono::nanoseconds now) const noexcept;
    void show(std::chrono::nanoseconds now, std::string_view line);
    /// A line that stays.
    void say(std::string_view line);
    /// Leaves the terminal as it should be.
    void clear();

private:
    bool quiet_;
    bool live_;
    bool open_ = false;
    std::chrono::nanoseconds last_{};
};

}  // namespace shoal::load
