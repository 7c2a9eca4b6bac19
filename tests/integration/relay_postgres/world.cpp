#include "tests/integration/relay_postgres/world.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <csignal>

#include "tests/support/run_until.hpp"

namespace shoal::test {

postgres_server& the_server()
{
    static postgres_server server;
    return server;
}

postgres_world::postgres_world()
{
    // libpq writes to a server that a test has killed.
    std::signal(SIGPIPE, SIG_IGN);
}

relay::database_settings postgres_world::settings(const std::string& database)
{
    return {.target = the_server().target(database), .password_file = {}, .application = "test"};
}

void postgres_world::until(const std::function<bool()>& done)
{
    REQUIRE(run_until(loop, done, std::chrono::seconds{30}));
}

}  // namespace shoal::test
