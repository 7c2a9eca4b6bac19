#include "services/limiter/handlers.hpp"

int main(int argc, char** argv)
{
    shoal::limiter::handlers limiter;
    return shoal::worker::run(argc, argv, limiter);
}
