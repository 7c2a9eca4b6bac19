#pragma once
// One line for each request, in the order in which their fates became known.

#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

#include "tests/load/domain/tally.hpp"

namespace shoal::load {

/// Tab-separated, times in microseconds since the run's beginning:
/// number, method, key, intended, sent (- when never), done, latency, fate, status, worker.
class recorder {
public:
    /// Throws bad_input when the file can't be made.
    explicit recorder(const std::string& path);
    ~recorder();
    recorder(const recorder&) = delete;
    recorder& operator=(const recorder&) = delete;

    void add(const outcome& one, std::string_view method, std::string_view key, std::string_view worker);
    /// Writes what is left. Why not everything could be written, or nothing.
    [[nodiscard]] std::string finish();

private:
    void write();

    std::string path_;
    std::FILE* file_;
    std::string buffer_;
    std::string problem_;
};

}  // namespace shoal::load
