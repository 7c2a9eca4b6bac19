#pragma once
// The bytes of each request, out of parts that were prepared once.

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/load/domain/keys.hpp"

namespace shoal::load {

/// A method and its share of the requests.
struct method_share {
    std::string name;
    std::uint32_t share = 1;
};

/// {key} in target, fields, body and the expected body is the request's key; {n} is its number, from 0. In the target
/// the key is percent-encoded, elsewhere it stands as it is.
struct request_shape {
    std::string authority;
    std::string target;
    std::vector<method_share> methods{{"GET", 1}};
    /// Lines as "Name: value".
    std::vector<std::string> fields;
    /// Of POST, PUT and PATCH.
    std::string body;
    bool keep_alive = true;
};

/// What {key} and {n} are for one request.
struct request_values {
    const load::keys& keys;
    std::uint32_t key;
    std::uint64_t number;
};

/// A text with {key} and {n} in it.
class text_template {
public:
    text_template() = default;
    explicit text_template(std::string_view text, bool encode = false);

    void append(const request_values& values, std::string& into) const;
    [[nodiscard]] bool empty() const noexcept { return parts_.empty(); }

private:
    enum class kind : std::uint8_t { literal, key, encoded_key, number };
    std::vector<std::pair<kind, std::string>> parts_;
};

class request_template {
public:
    explicit request_template(const request_shape& shape);

    /// The index of the method of a request: in turn, as often as its share says.
    [[nodiscard]] std::size_t method_of(std::uint64_t number) const noexcept { return turns_[number % turns_.size()]; }
    [[nodiscard]] std::string_view method(std::size_t index) const noexcept { return methods_[index].name; }
    [[nodiscard]] bool is_head(std::size_t index) const noexcept { return methods_[index].name == "HEAD"; }
    /// It may be sent again when nobody knows whether it was carried out (RFC 9110, 9.2.2).
    [[nodiscard]] bool is_idempotent(std::size_t index) const noexcept { return methods_[index].idempotent; }

    /// Replaces `into` by the request.
    void render(const request_values& values, std::string& into) const;

private:
    struct prepared {
        std::string name;
        bool idempotent = false;
        bool has_body = false;
    };

    std::vector<prepared> methods_;
    std::vector<std::uint8_t> turns_;
    text_template target_;
    text_template fields_;
    text_template body_;
};

/// The methods whose requests have the body.
[[nodiscard]] bool takes_body(std::string_view method) noexcept;

}  // namespace shoal::load
