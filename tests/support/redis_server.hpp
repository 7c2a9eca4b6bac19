#pragma once
// The real Redis of the machine, in a temporary folder, on a unix socket only, with an append-only file like
// the fleet's own. It dies with the test's process.

#include "tests/support/temp_folder.hpp"

#include <sys/types.h>

#include <string>
#include <vector>

namespace shoal::test {

class redis_server {
public:
    /// Starts it; every argument is one of redis-server's options ("--maxmemory", "2mb"), `environment` is for it alone
    /// ("NAME=value").
    explicit redis_server(std::vector<std::string> arguments = {}, std::vector<std::string> environment = {});
    ~redis_server();
    redis_server(const redis_server&) = delete;
    redis_server& operator=(const redis_server&) = delete;

    [[nodiscard]] const std::string& path() const noexcept { return path_; }
    /// Where its append-only file is.
    [[nodiscard]] std::string folder() const { return folder_.file(""); }
    [[nodiscard]] pid_t pid() const noexcept { return pid_; }

    /// Starts it on the data that is there and returns when it answers. Throws std::runtime_error after 10 s.
    void start();
    /// SIGKILL; returns when the process is gone.
    void kill();
    /// SIGTERM; returns when the process is gone.
    void shut_down();
    /// For SIGSTOP and SIGCONT.
    void signal(int number) const;

    /// One command over a connection of its own, blocking, without quoting; the first line of the reply.
    std::string ask(const std::string& command) const;

private:
    void end(int number);

    temp_folder folder_;
    std::string path_;
    std::vector<std::string> arguments_;
    std::vector<std::string> environment_;
    pid_t pid_ = -1;
};

}  // namespace shoal::test
