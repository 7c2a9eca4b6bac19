#pragma once
// The wall clock of one program, as far off the machine's as the test says. Its monotonic clock stays true, as it does
// when somebody sets the time of a machine.

#include "tests/support/temp_folder.hpp"

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

namespace shoal::test {

class shifted_clock {
public:
    /// Throws std::system_error.
    shifted_clock();
    ~shifted_clock();
    shifted_clock(const shifted_clock&) = delete;
    shifted_clock& operator=(const shifted_clock&) = delete;

    /// What the program is started with.
    [[nodiscard]] std::vector<std::string> environment() const;
    /// From the next time that the program looks at its clock.
    void step(std::int64_t by_us) { *offset_us_ += by_us; }

private:
    temp_folder folder_;
    std::atomic<std::int64_t>* offset_us_ = nullptr;
};

}  // namespace shoal::test
