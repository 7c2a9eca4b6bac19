#pragma once
// The head of a request: where it ends, and what it says. Pure functions over bytes.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/http/refusal.hpp"
#include "common/http/request.hpp"

namespace shoal::http {

struct limits;

/// Finds the end of a head that arrives in pieces. Each byte is looked at once, and what is found does not
/// depend on how the bytes were cut. Sees what Beast lets pass or would wait for: bare LF and obs-fold.
class head_scanner {
public:
    /// `received` starts with the head and is what the call before had, or longer.
    /// Returns the length of the head with its empty line once it is there.
    [[nodiscard]] std::optional<std::size_t> scan(std::string_view received, const limits& bounds);
    /// Set when scan() found that the head can't become valid.
    [[nodiscard]] const std::optional<refusal>& refused() const noexcept { return refused_; }

private:
    void check_line(std::string_view line, const limits& bounds);

    std::size_t line_start_ = 0;
    std::size_t seen_ = 0;
    std::size_t lines_ = 0;
    std::optional<refusal> refused_;
};

/// What the session needs to know beside the request.
struct head_facts {
    bool http11 = false;
    bool keep_alive = false;
    bool chunked = false;
    bool expects_continue = false;
    std::optional<std::uint64_t> content_length;
    std::optional<std::chrono::milliseconds> deadline;
    /// Origin form of a target that had none to point to.
    std::string target;
};

/// Fills `into` with views into `head`, which is complete and passed the scanner.
[[nodiscard]] std::optional<refusal> parse_head(std::string_view head, request& into, head_facts& facts);

}  // namespace shoal::http
