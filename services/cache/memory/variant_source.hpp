#pragma once
// How a lookup learns which variant of a URL a request wants.

#include <string_view>

namespace shoal::cache {

/// Of one request. Lives until the lookup returns.
class variant_source {
public:
    /// The normalised values of the request's fields that `vary` names, as stored::variant() has them. `vary` is
    /// stored::vary(), never empty; the view holds until the next call. Called only for what has a Vary.
    [[nodiscard]] virtual std::string_view of(std::string_view vary) = 0;

protected:
    ~variant_source() = default;
};

}  // namespace shoal::cache
