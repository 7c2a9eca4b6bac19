#pragma once
// The real PostgreSQL of the machine, in a temporary folder, on a unix socket only. It refuses to be root: then it runs
// as an account that can do less.

#include "tests/support/temp_folder.hpp"

#include <sys/types.h>

#include <string>
#include <vector>

namespace shoal::test {

class postgres_server {
public:
    /// Makes and starts it; each setting is "name=value", and goes before those that make it quick.
    explicit postgres_server(std::vector<std::string> settings = {});
    ~postgres_server();
    postgres_server(const postgres_server&) = delete;
    postgres_server& operator=(const postgres_server&) = delete;

    /// As libpq takes it; everybody may connect as any role.
    [[nodiscard]] std::string target(const std::string& database = "postgres") const;

    /// Starts it on the data that is there and returns when it answers. Throws std::runtime_error after 30 s.
    void start();
    /// SIGKILL of all its processes; returns when they are gone.
    void kill();
    /// Without waiting for its clients; returns when it is gone.
    void shut_down();
    /// Of the process that takes connections: for SIGSTOP and SIGCONT.
    void signal(int number) const;

    /// Each statement in a transaction of its own; rows as lines of columns that '|' parts. Blocks. Throws
    /// std::runtime_error with what was wrong.
    std::string sql(const std::string& text, const std::string& database = "postgres") const;

    /// Its log, from the beginning.
    [[nodiscard]] std::string said() const;

private:
    temp_folder folder_;
    std::vector<std::string> settings_;
    pid_t pid_ = -1;
};

}  // namespace shoal::test
