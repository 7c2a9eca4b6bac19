#pragma once
// Reads a JSON object field by field against declared constraints and collects every problem with its path,
// so that a configuration is refused whole and the operator sees all that is wrong with it at once.

#include <nlohmann/json.hpp>

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace shoal::config {

/// What is wrong with one file. One line a problem: "FILE: $.path: what is wrong; what is allowed".
class problems {
public:
    explicit problems(std::string file) : file_{std::move(file)} {}

    void add(std::string_view path, std::string_view what);
    [[nodiscard]] bool empty() const noexcept { return lines_.empty(); }
    /// Every line, joined by line feeds.
    [[nodiscard]] std::string text() const;

private:
    std::string file_;
    std::vector<std::string> lines_;
};

/// Thrown at start-up for a configuration that is refused; what() has all its problems.
class error : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

struct integer_range {
    std::int64_t least = std::numeric_limits<std::int64_t>::min();
    std::int64_t most = std::numeric_limits<std::int64_t>::max();
};

struct duration_range {
    std::chrono::microseconds least{0};
    std::chrono::microseconds most{std::chrono::hours{24 * 366}};
};

/// A view of one JSON object; the json and the problems live longer. A field of the wrong type or out of
/// range is a problem and reads as its fallback. A field asked for without a fallback is required.
/// Fields that nobody asked for are problems: call done() last.
class object {
public:
    object(const nlohmann::json& from, std::string path, problems& into);

    [[nodiscard]] bool has(std::string_view name) const;
    [[nodiscard]] std::string text(std::string_view name, std::optional<std::string> fallback = std::nullopt);
    [[nodiscard]] std::int64_t integer(std::string_view name, integer_range range,
                                       std::optional<std::int64_t> fallback = std::nullopt);
    [[nodiscard]] bool boolean(std::string_view name, std::optional<bool> fallback = std::nullopt);
    /// A string of a whole number and a unit: "250us", "50ms", "60s", "5m", "1h", "7d".
    [[nodiscard]] std::chrono::microseconds duration(std::string_view name, duration_range range,
                                                     std::optional<std::chrono::microseconds> fallback = std::nullopt);
    /// Bytes, as a string of a whole number and a unit of 1024: "512b", "16kb", "64mb", "2gb".
    [[nodiscard]] std::int64_t size(std::string_view name, integer_range range,
                                    std::optional<std::int64_t> fallback = std::nullopt);
    /// One of the names in `choices`; the message lists them.
    template <class T>
    [[nodiscard]] T one_of(std::string_view name, std::initializer_list<std::pair<std::string_view, T>> choices,
                           std::optional<T> fallback = std::nullopt);
    /// A nested object; an empty one when it is absent.
    [[nodiscard]] object child(std::string_view name);
    /// The elements of an array of objects; none when it is absent.
    [[nodiscard]] std::vector<object> children(std::string_view name, std::size_t most);
    /// The field's raw value, null when it is absent; counts as asked for.
    [[nodiscard]] const nlohmann::json* raw(std::string_view name);

    void problem(std::string_view name, std::string_view what);
    [[nodiscard]] std::string path(std::string_view name) const;
    void done();

private:
    /// The value of a field that must be there unless there is a fallback; null when it is not.
    const nlohmann::json* take(std::string_view name, bool required);
    const std::string* choose(std::string_view name, bool required, const std::vector<std::string_view>& allowed);

    const nlohmann::json* from_;
    std::string path_;
    problems* problems_;
    std::vector<std::string> known_;
};

template <class T>
T object::one_of(std::string_view name, std::initializer_list<std::pair<std::string_view, T>> choices,
                 std::optional<T> fallback)
{
    std::vector<std::string_view> allowed;
    for (const auto& [word, meaning] : choices) allowed.push_back(word);
    if (const std::string* chosen = choose(name, !fallback, allowed))
        for (const auto& [word, meaning] : choices)
            if (word == *chosen) return meaning;
    return fallback.value_or(choices.begin()->second);
}

/// A regular file's bytes. Throws config::error when it can't be read or is longer than `most_bytes`.
[[nodiscard]] std::string read_file(const std::string& file, std::size_t most_bytes);

/// Reads and parses a file, at most 16 MiB. Throws config::error that says what is wrong and where.
[[nodiscard]] nlohmann::json load(const std::string& file);

}  // namespace shoal::config
