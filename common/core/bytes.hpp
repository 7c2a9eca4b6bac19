#pragma once
// Bytes that several hold, that nobody changes, and that nobody copies.

#include <string>
#include <string_view>
#include <utility>

#include "common/core/counted.hpp"

namespace shoal {

/// A part of something that `owner` keeps alive. With no owner the bytes are static.
struct shared_bytes {
    std::string_view view;
    keeper owner;
};

/// A string that its views keep alive.
class owned_text final : public counted {
public:
    explicit owned_text(std::string text) : text_{std::move(text)} {}

    [[nodiscard]] const std::string& text() const noexcept { return text_; }
    [[nodiscard]] std::size_t footprint() const noexcept override { return sizeof *this + text_.capacity(); }

private:
    std::string text_;
};

[[nodiscard]] inline shared_bytes share(std::string text)
{
    boost::intrusive_ptr<const owned_text> owner{new owned_text{std::move(text)}};
    const std::string_view view = owner->text();
    return {view, std::move(owner)};
}

}  // namespace shoal
