#pragma once
// Responses for tests.

#include <cstdint>
#include <random>
#include <string>
#include <string_view>

#include "services/cache/memory/stored.hpp"
#include "services/cache/memory/variant_source.hpp"

namespace shoal::test {

/// With a body of `size` bytes in one piece, and about what a real response has beside it.
[[nodiscard]] cache::stored_parts a_response(std::string key, std::size_t size);

[[nodiscard]] std::string text_of(const cache::stored& body);
[[nodiscard]] std::string random_text(std::mt19937_64& random, std::size_t most);
/// Everything in it is drawn.
[[nodiscard]] cache::stored_parts a_random_response(std::mt19937_64& random);

/// Fails when two differ in anything but how the body is cut.
void require_equal(const cache::stored& a, const cache::stored& b);

/// A request without any field.
class no_variant final : public cache::variant_source {
public:
    [[nodiscard]] std::string_view of(std::string_view) override { return {}; }
};

/// A request that has `value` for whatever a Vary names.
class wants final : public cache::variant_source {
public:
    explicit wants(std::string value) : value_{std::move(value)} {}
    [[nodiscard]] std::string_view of(std::string_view vary) override
    {
        asked_.assign(vary);
        return value_;
    }
    [[nodiscard]] const std::string& asked() const { return asked_; }

private:
    std::string value_;
    std::string asked_;
};

}  // namespace shoal::test
