#include "tests/load/edge/run.hpp"

// Out of memory there is nothing left to say.
// NOLINTNEXTLINE(bugprone-exception-escape)
int main(int argc, char** argv)
{
    return shoal::load::run(argc, argv);
}
