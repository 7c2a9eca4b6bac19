#include "services/views/handlers/handlers.hpp"

// Out of memory before there is a worker: the program may as well end by the exception.
// NOLINTNEXTLINE(bugprone-exception-escape)
int main(int argc, char** argv)
{
    shoal::views::handlers views;
    return shoal::worker::run(argc, argv, views);
}
