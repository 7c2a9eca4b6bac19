#include "tests/support/postgres_server.hpp"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace shoal::test {
namespace {

using words = std::vector<std::string>;

/// Of the newest version that is installed.
std::string program(const std::string& name)
{
    std::string found;
    for (const auto& each : std::filesystem::directory_iterator{"/usr/lib/postgresql"})
        found = std::max(found, (each.path() / "bin" / name).string());
    return found;
}

/// Nothing unless this process is root's.
const passwd* account()
{
    if (geteuid() != 0) return nullptr;
    const auto* const own = getpwnam("postgres");
    return own != nullptr ? own : getpwnam("nobody");
}

bool give_up_root()
{
    const auto* const to = account();
    return to == nullptr || (setgroups(0, nullptr) == 0 && setgid(to->pw_gid) == 0 && setuid(to->pw_uid) == 0);
}

[[noreturn]] void become(words& command, const std::string& output, const std::string& in)
{
    const int log = open(output.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    dup2(log, STDOUT_FILENO);
    dup2(log, STDERR_FILENO);
    if (!give_up_root() || chdir(in.c_str()) != 0) _exit(126);
    // After the account has changed, which takes it back.
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    std::vector<char*> pointers;
    pointers.reserve(command.size() + 1);
    for (auto& argument : command) pointers.push_back(argument.data());
    pointers.push_back(nullptr);
    execv(pointers[0], pointers.data());
    _exit(127);
}

pid_t begin(words command, const std::string& output, const std::string& in)
{
    const pid_t pid = fork();
    if (pid < 0) throw std::system_error(errno, std::generic_category(), "fork");
    if (pid == 0) become(command, output, in);
    return pid;
}

int ended(pid_t pid)
{
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return status;
}

std::string content(const std::string& path)
{
    std::ifstream file{path};
    return {std::istreambuf_iterator<char>{file}, {}};
}

std::vector<pid_t> children_of(pid_t pid)
{
    const auto number = std::to_string(pid);
    std::istringstream list{content("/proc/" + number + "/task/" + number + "/children")};
    return {std::istream_iterator<pid_t>{list}, {}};
}

/// One that nobody waits for stays as a zombie.
bool lives(pid_t pid)
{
    const auto state = content("/proc/" + std::to_string(pid) + "/stat");
    const auto name_end = state.rfind(')');
    return name_end != std::string::npos && state.size() > name_end + 2 && state[name_end + 2] != 'Z';
}

}  // namespace

postgres_server::postgres_server(std::vector<std::string> settings) : settings_{std::move(settings)}
{
    if (const auto* const owner = account();
        owner != nullptr && chown(folder_.file("").c_str(), owner->pw_uid, owner->pw_gid) != 0)
        throw std::system_error(errno, std::generic_category(), "chown");
    const auto made = ended(begin({program("initdb"), "-D", folder_.file("data"), "--username=postgres", "--auth=trust",
                                   "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions"},
                                  folder_.file("log"), folder_.file("")));
    if (made != 0) throw std::runtime_error("initdb: " + said());
    start();
}

postgres_server::~postgres_server()
{
    shut_down();
}

std::string postgres_server::said() const
{
    return content(folder_.file("log"));
}

std::string postgres_server::target(const std::string& database) const
{
    return "host=" + folder_.file("") + " dbname=" + database + " user=postgres";
}

void postgres_server::start()
{
    words command{program("postgres"), "-D", folder_.file("data"), "-k", folder_.file("")};
    words settings{"listen_addresses=",  "fsync=off",          "full_page_writes=off",
                   "wal_level=logical",  "max_wal_senders=20", "max_replication_slots=20",
                   "shared_buffers=32MB"};
    settings.insert(settings.end(), settings_.begin(), settings_.end());
    for (const auto& each : settings) command.insert(command.end(), {"-c", each});
    pid_ = begin(command, folder_.file("log"), folder_.file(""));
    const words ask{program("pg_isready"), "-q", "-t", "1", "-d", target()};
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds{30};
    while (std::chrono::steady_clock::now() < limit) {
        if (ended(begin(ask, "/dev/null", "/")) == 0) return;
        poll(nullptr, 0, 10);
    }
    throw std::runtime_error("PostgreSQL did not start: " + said());
}

void postgres_server::kill()
{
    if (pid_ < 0) return;
    // It makes no more while it stands still.
    ::kill(pid_, SIGSTOP);
    const auto children = children_of(pid_);
    ::kill(pid_, SIGKILL);
    ended(std::exchange(pid_, -1));
    for (const auto each : children) ::kill(each, SIGKILL);
    while (std::any_of(children.begin(), children.end(), lives)) poll(nullptr, 0, 1);
}

void postgres_server::shut_down()
{
    if (pid_ < 0) return;
    ::kill(pid_, SIGQUIT);
    ended(std::exchange(pid_, -1));
}

void postgres_server::signal(int number) const
{
    ::kill(pid_, number);
}

std::string postgres_server::sql(const std::string& text, const std::string& database) const
{
    // Several threads may ask.
    static std::atomic<int> last{0};
    const auto number = std::to_string(++last);
    const auto script = folder_.file("script" + number);
    const auto output = folder_.file("output" + number);
    std::ofstream{script} << text;
    const auto status = ended(
        begin({program("psql"), "-XqAt", "-v", "ON_ERROR_STOP=1", "-d", target(database), "-f", script}, output, "/"));
    auto answer = content(output);
    while (!answer.empty() && answer.back() == '\n') answer.pop_back();
    if (status != 0) throw std::runtime_error("SQL: " + text + ": " + answer);
    return answer;
}

}  // namespace shoal::test
