#include "services/relay/handlers/handlers.hpp"
#include "services/relay/setup/commands.hpp"

// Out of memory before there is a worker: the program may as well end by the exception.
// NOLINTNEXTLINE(bugprone-exception-escape)
int main(int argc, char** argv)
{
    if (shoal::relay::is_command(argc, argv)) return shoal::relay::run_command(argc, argv);
    shoal::relay::handlers relay;
    return shoal::worker::run(argc, argv, relay);
}
