#pragma once
// Which key each request has. The same seed gives the same keys in the same order.

#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/load/domain/zipf.hpp"
#include "tests/support/dice.hpp"

namespace shoal::load {

/// What --keys says.
struct key_choice {
    enum class kind : std::uint8_t { uniform, zipf, file, log_target, log_address };

    kind from = kind::uniform;
    std::uint32_t count = 10'000;
    double exponent = 0;
    std::string path;
};

/// "uniform:1000", "zipf:1000", "zipf:1000:0.9", "file:PATH", "log:PATH", "log-address:PATH". Throws bad_input.
[[nodiscard]] key_choice parse_keys(std::string_view text);

class keys {
public:
    /// Numbered keys: the most popular of a Zipf distribution is key-1.
    keys(const key_choice& choice, std::uint64_t seed);
    /// Those of a file, in its order, and again from its beginning. Throws bad_input naming the line.
    keys(const key_choice& choice, std::istream& lines);

    /// The key of the next request.
    [[nodiscard]] std::uint32_t next() noexcept;
    /// Different keys that there are.
    [[nodiscard]] std::uint32_t size() const noexcept { return size_; }
    /// Lines of a file that no request can be made of.
    [[nodiscard]] std::uint64_t skipped() const noexcept { return skipped_; }

    void append_plain(std::uint32_t key, std::string& into) const;
    /// As it stands in a URL: percent-encoded. A log's targets are that already.
    void append_encoded(std::uint32_t key, std::string& into) const;
    [[nodiscard]] std::string text(std::uint32_t key) const;

private:
    void keep(std::string_view key, class key_index& known, std::size_t& bytes);
    void read_line(std::string_view line, std::uint64_t number, class key_index& known, std::size_t& bytes);

    key_choice::kind kind_;
    std::uint32_t size_ = 0;
    test::fast_dice dice_;
    std::optional<zipf> zipf_;
    std::vector<std::string> names_;
    /// Of a file: the key of each line.
    std::vector<std::uint32_t> order_;
    std::size_t position_ = 0;
    std::uint64_t skipped_ = 0;
};

/// Every byte that RFC 3986 does not call unreserved as %XX.
void percent_encode(std::string_view text, std::string& into);

}  // namespace shoal::load
