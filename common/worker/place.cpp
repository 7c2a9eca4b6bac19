#include "common/worker/place.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <system_error>
#include <utility>

#include <nlohmann/json.hpp>

namespace shoal::worker {
namespace {

[[noreturn]] void fail(const std::string& what)
{
    throw std::system_error(errno, std::generic_category(), what);
}

/// An exclusive lock on a file that holds a few hundred bytes of text; released at destruction.
class locked_file {
public:
    explicit locked_file(const std::string& path)
        : path_{path}, descriptor_{open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)}
    {
        if (descriptor_ < 0) fail(path);
        // Held for a few renames only, so that waiting for it does not count as blocking.
        if (flock(descriptor_, LOCK_EX) != 0) {
            close(descriptor_);
            fail(path);
        }
    }
    ~locked_file() { close(descriptor_); }
    locked_file(const locked_file&) = delete;
    locked_file& operator=(const locked_file&) = delete;

    [[nodiscard]] std::string read() const
    {
        std::array<char, 1024> text{};
        const auto count = pread(descriptor_, text.data(), text.size(), 0);
        if (count < 0) fail(path_);
        return {text.data(), static_cast<std::size_t>(count)};
    }

    void write(const std::string& text) const
    {
        if (pwrite(descriptor_, text.data(), text.size(), 0) != static_cast<ssize_t>(text.size()) ||
            ftruncate(descriptor_, static_cast<off_t>(text.size())) != 0)
            fail(path_);
    }

private:
    std::string path_;
    int descriptor_;
};

/// Generation 0 for a file that is new or was cut off: anybody may take such a place. Only the first line counts:
/// behind it may be the rest of a longer one, from a writer that was killed.
std::int64_t generation_of(const std::string& text)
{
    const auto json = nlohmann::json::parse(text.substr(0, text.find('\n')), nullptr, false);
    if (!json.is_object() || !json.contains("generation") || !json["generation"].is_number_integer()) return 0;
    return json["generation"].get<std::int64_t>();
}

}  // namespace

place::place(std::string lock_path, std::vector<std::string> paths, holder self)
    : lock_path_{std::move(lock_path)}, paths_{std::move(paths)}, self_{std::move(self)}
{
}

place::~place()
{
    for (const auto& path : paths_) unlink(own_name(path).c_str());
}

std::string place::own_name(const std::string& path) const
{
    return path + "." + self_.incarnation.substr(0, 12);
}

bool place::publish()
{
    const locked_file lock{lock_path_};
    if (generation_of(lock.read()) > self_.generation) {
        for (const auto& path : paths_) unlink(own_name(path).c_str());
        return false;
    }
    // Before the renames: a crash between them may leave the place without its newest process, which the
    // supervisor starts again, but never lets an older generation take it back.
    lock.write(
        nlohmann::json{{"generation", self_.generation}, {"incarnation", self_.incarnation}, {"pid", getpid()}}.dump() +
        "\n");
    for (const auto& path : paths_) {
        published_.push_back(identity_of(own_name(path)));
        if (std::rename(own_name(path).c_str(), path.c_str()) != 0) fail(path);
    }
    return true;
}

possession place::look() const
{
    for (std::size_t i = 0; i < published_.size(); ++i) {
        const auto found = identity_of(paths_[i]);
        if (found == identity{}) return possession::vanished;
        if (found != published_[i]) return possession::taken_over;
    }
    return possession::held;
}

place::identity place::identity_of(const std::string& path)
{
    struct stat found {};
    if (stat(path.c_str(), &found) != 0) return {};
    return {.device = found.st_dev, .inode = found.st_ino};
}

}  // namespace shoal::worker
