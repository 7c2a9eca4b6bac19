#include "common/config/reader.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <set>
#include <system_error>

namespace shoal::config {
namespace {

constexpr std::size_t most_bytes = 16 * 1024 * 1024;
constexpr std::size_t most_depth = 64;

[[noreturn]] void refuse(const std::string& file, std::string_view what)
{
    throw error{fmt::format("{}: {}", file, what)};
}

struct descriptor {
    explicit descriptor(int opened) : number{opened} {}
    ~descriptor()
    {
        if (number >= 0) close(number);
    }
    descriptor(const descriptor&) = delete;
    descriptor& operator=(const descriptor&) = delete;
    int number;
};

/// Sees to what a plain parse lets pass: a key that comes twice, and any depth.
class checker final : public nlohmann::json_sax<nlohmann::json> {
public:
    [[nodiscard]] const std::string& problem() const noexcept { return problem_; }
    [[nodiscard]] std::size_t byte() const noexcept { return byte_; }
    [[nodiscard]] bool syntax() const noexcept { return byte_ != 0; }

    bool null() override { return value(); }
    bool boolean(bool) override { return value(); }
    bool number_integer(number_integer_t) override { return value(); }
    bool number_unsigned(number_unsigned_t) override { return value(); }
    bool number_float(number_float_t, const string_t&) override { return value(); }
    bool string(string_t&) override { return value(); }
    bool binary(binary_t&) override { return value(); }

    bool start_object(std::size_t) override { return open(false); }
    bool end_object() override { return shut(); }
    bool start_array(std::size_t) override { return open(true); }
    bool end_array() override { return shut(); }

    bool key(string_t& name) override
    {
        if (!levels_.back().keys.insert(name).second) {
            problem_ = fmt::format("{}: the key {} is there twice", path(), nlohmann::json(name).dump());
            return false;
        }
        levels_.back().key = name;
        return true;
    }

    bool parse_error(std::size_t position, const std::string&, const nlohmann::json::exception& what) override
    {
        byte_ = std::max<std::size_t>(position, 1);
        const std::string_view text = what.what();
        const auto reason = text.find(" - ");
        problem_ = "not JSON: ";
        problem_ += reason == std::string_view::npos ? text.substr(text.find("] ") + 2) : text.substr(reason + 3);
        return false;
    }

private:
    struct level {
        bool array;
        std::size_t index = 0;
        std::string key;
        std::set<std::string> keys;
    };

    /// A value has begun: in an array it has the next place.
    bool value()
    {
        if (!levels_.empty()) ++levels_.back().index;
        return true;
    }

    bool open(bool array)
    {
        value();
        levels_.push_back({.array = array, .index = 0, .key = {}, .keys = {}});
        if (levels_.size() <= most_depth) return true;
        problem_ = fmt::format("nested more than {} deep", most_depth);
        return false;
    }

    bool shut()
    {
        levels_.pop_back();
        return true;
    }

    /// Of the object that is being read.
    [[nodiscard]] std::string path() const
    {
        std::string where = "$";
        for (std::size_t i = 0; i + 1 < levels_.size(); ++i)
            where += levels_[i].array ? fmt::format("[{}]", levels_[i].index - 1) : '.' + levels_[i].key;
        return where;
    }

    std::vector<level> levels_;
    std::string problem_;
    std::size_t byte_ = 0;
};

/// "LINE:COLUMN" of the byte, both counted from 1.
std::string place(std::string_view text, std::size_t byte)
{
    const auto before = text.substr(0, byte - 1);
    const auto line = std::count(before.begin(), before.end(), '\n') + 1;
    const auto feed = before.rfind('\n');
    const auto column = feed == std::string_view::npos ? before.size() + 1 : before.size() - feed;
    return fmt::format("{}:{}", line, column);
}

}  // namespace

std::string read_file(const std::string& file, std::size_t most_bytes)
{
    const auto refuse_errno = [&file] { refuse(file, "can't be read: " + std::generic_category().message(errno)); };
    // Without O_NONBLOCK the name of a pipe would stop the worker.
    const descriptor source{open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
    if (source.number < 0) refuse_errno();
    struct stat what {};
    if (fstat(source.number, &what) != 0) refuse_errno();
    if (!S_ISREG(what.st_mode)) refuse(file, "is not a regular file");

    std::string text;
    std::array<char, 65536> piece{};
    while (true) {
        const ssize_t count = read(source.number, piece.data(), piece.size());
        if (count < 0) refuse_errno();
        if (count == 0) return text;
        text.append(piece.data(), static_cast<std::size_t>(count));
        if (text.size() > most_bytes) refuse(file, fmt::format("is longer than {} bytes", most_bytes));
    }
}

nlohmann::json load(const std::string& file)
{
    const std::string text = read_file(file, most_bytes);
    checker check;
    if (!nlohmann::json::sax_parse(text, &check)) {
        if (check.syntax()) refuse(fmt::format("{}:{}", file, place(text, check.byte())), check.problem());
        refuse(file, check.problem());
    }
    return nlohmann::json::parse(text, nullptr, false);
}

}  // namespace shoal::config
