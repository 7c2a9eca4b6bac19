#include <sys/resource.h>

#include <csignal>
#include <cstdio>
#include <exception>

#include "common/config/reader.hpp"
#include "common/worker/worker.hpp"

namespace shoal::worker {
namespace {

/// Before anything else. A HUP that arrives early neither ends the process nor is lost: it waits until the loop
/// handles it, for the configuration may have been read before it changed.
void prepare_process()
{
    std::signal(SIGPIPE, SIG_IGN);
    sigset_t hup;
    sigemptyset(&hup);
    sigaddset(&hup, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &hup, nullptr);
    rlimit files{};
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
}

}  // namespace

int run(int argc, char** argv, service& what)
{
    prepare_process();
    auto [asked, exit_code] = parse_flags(argc, argv, what.name());
    if (!asked) return exit_code;
    try {
        auto read = read_settings(asked->config, what);
        if (asked->check_config) return 0;
        process worker{std::move(*asked), std::move(read), what};
        return worker.run();
    } catch (const config::error& wrong) {
        std::fprintf(stderr, "%s\n", wrong.what());
    } catch (const std::exception& failure) {
        std::fprintf(stderr, "shoal-%s: %s\n", std::string{what.name()}.c_str(), failure.what());
    }
    return 1;
}

}  // namespace shoal::worker
