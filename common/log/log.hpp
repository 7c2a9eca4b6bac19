#pragma once
// Structured logs: one JSON object a line in production, readable text on a terminal. Writing never blocks:
// what the descriptor does not take at once is kept in a bounded buffer, and beyond that it is dropped and counted.

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

namespace shoal::log {

enum class level : std::uint8_t { debug, info, warning, error };
enum class style : std::uint8_t { json, text };

/// One named value beside the message. The views need to live only until the call returns.
struct field {
    std::string_view name;
    std::variant<std::string_view, std::int64_t, std::uint64_t, double, bool> value;

    field(std::string_view n, std::string_view v) : name{n}, value{v} {}
    field(std::string_view n, const char* v) : name{n}, value{std::string_view{v}} {}
    field(std::string_view n, const std::string& v) : name{n}, value{std::string_view{v}} {}
    field(std::string_view n, bool v) : name{n}, value{v} {}
    field(std::string_view n, double v) : name{n}, value{v} {}
    template <std::signed_integral T>
    field(std::string_view n, T v) : name{n}, value{static_cast<std::int64_t>(v)}
    {
    }
    template <std::unsigned_integral T>
    field(std::string_view n, T v) : name{n}, value{static_cast<std::uint64_t>(v)}
    {
    }
};

using fields = std::initializer_list<field>;

struct options {
    level least = level::info;
    /// A descriptor that stays open for the logger's life; it is not closed. Its flags are not changed.
    int descriptor = 2;
    style format = style::json;
    /// Name of the worker, on every line.
    std::string worker;
    /// What is kept in bytes while the descriptor takes nothing.
    std::size_t buffer_limit = 256 * 1024;
};

/// Text on a terminal, JSON elsewhere.
[[nodiscard]] style style_for(int descriptor) noexcept;

/// Not thread safe: a worker has one thread. Never throws for a descriptor that fails.
class logger {
public:
    explicit logger(options chosen);
    ~logger();
    logger(const logger&) = delete;
    logger& operator=(const logger&) = delete;

    void debug(std::string_view message, fields values = {}) { write(level::debug, message, values); }
    void info(std::string_view message, fields values = {}) { write(level::info, message, values); }
    void warning(std::string_view message, fields values = {}) { write(level::warning, message, values); }
    void error(std::string_view message, fields values = {}) { write(level::error, message, values); }

    void set_level(level least) noexcept;

    /// Tries again to write what is still buffered; called by the runtime a few times a second.
    void flush() noexcept;

    /// Lines lost because the descriptor did not take them, since start.
    [[nodiscard]] std::uint64_t dropped() const noexcept;

private:
    void write(level severity, std::string_view message, fields values);

    class impl;
    std::unique_ptr<impl> impl_;
};

}  // namespace shoal::log
