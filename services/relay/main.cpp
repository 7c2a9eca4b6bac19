#include "services/relay/handlers/handlers.hpp"

// Out of memory before there is a worker: the program may as well end by the exception.
// NOLINTNEXTLINE(bugprone-exception-escape)
int main(int argc, char** argv)
{
    shoal::relay::handlers relay;
    return shoal::worker::run(argc, argv, relay);
}
