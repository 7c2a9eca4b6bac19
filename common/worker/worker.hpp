#pragma once
// One running worker: what it is made of, and its life from the first reply of Redis to the last of a client.

#include <memory>

#include "common/worker/flags.hpp"
#include "common/worker/service.hpp"
#include "common/worker/settings.hpp"

namespace shoal::worker {

class process {
public:
    /// `what` has not been started; it lives longer.
    process(flags asked, settings read, service& what);
    ~process();
    process(const process&) = delete;
    process& operator=(const process&) = delete;

    /// Serves until it has drained; returns the exit code.
    [[nodiscard]] int run();

private:
    class impl;
    std::unique_ptr<impl> impl_;
};

}  // namespace shoal::worker
