#include "tests/support/redis_server.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace shoal::test {
namespace {

/// Connects or returns -1.
int connect_to(const std::string& path)
{
    const int socket_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un where{};
    where.sun_family = AF_UNIX;
    std::strncpy(where.sun_path, path.c_str(), sizeof(where.sun_path) - 1);
    if (connect(socket_fd, reinterpret_cast<const sockaddr*>(&where), sizeof(where)) == 0) return socket_fd;
    close(socket_fd);
    return -1;
}

[[noreturn]] void become(std::vector<std::string>& command, std::vector<std::string>& environment,
                         const std::string& output)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int log = open(output.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    dup2(log, STDOUT_FILENO);
    dup2(log, STDERR_FILENO);
    std::vector<char*> pointers;
    pointers.reserve(command.size() + 1);
    for (auto& argument : command) pointers.push_back(argument.data());
    pointers.push_back(nullptr);
    for (auto& variable : environment) putenv(variable.data());
    execvp(pointers[0], pointers.data());
    _exit(127);
}

}  // namespace

redis_server::redis_server(std::vector<std::string> arguments, std::vector<std::string> environment)
    : path_{folder_.file("redis.sock")}, arguments_{std::move(arguments)}, environment_{std::move(environment)}
{
    start();
}

redis_server::~redis_server()
{
    kill();
}

void redis_server::start()
{
    std::vector<std::string> command{"redis-server",   "--port",       "0",   "--unixsocket", path_, "--dir",
                                     folder_.file(""), "--appendonly", "yes", "--save",       ""};
    command.insert(command.end(), arguments_.begin(), arguments_.end());
    pid_ = fork();
    if (pid_ < 0) throw std::system_error(errno, std::generic_category(), "fork");
    if (pid_ == 0) become(command, environment_, folder_.file("redis.log"));

    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds{10};
    while (std::chrono::steady_clock::now() < limit) {
        const auto answer = ask("PING");
        // A server that wants a password answers as well.
        if (answer.starts_with("+PONG") || answer.starts_with("-NOAUTH")) return;
        poll(nullptr, 0, 2);
    }
    throw std::runtime_error("redis-server did not start in " + folder_.file(""));
}

void redis_server::kill()
{
    end(SIGKILL);
}
void redis_server::shut_down()
{
    end(SIGTERM);
}

void redis_server::end(int number)
{
    if (pid_ < 0) return;
    ::kill(pid_, number);
    waitpid(pid_, nullptr, 0);
    pid_ = -1;
}

void redis_server::signal(int number) const
{
    ::kill(pid_, number);
}

std::string redis_server::ask(const std::string& command) const
{
    const int connection = connect_to(path_);
    if (connection < 0) return {};
    const auto line = command + "\r\n";
    std::string answer;
    if (send(connection, line.data(), line.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(line.size())) {
        char byte = 0;
        while (recv(connection, &byte, 1, 0) == 1 && byte != '\n') answer += byte;
    }
    close(connection);
    return answer;
}

}  // namespace shoal::test
