#pragma once
// A Lua script that the build embedded from a .lua file, with the name under which Redis caches it.

#include <string>
#include <string_view>

namespace shoal::redis {

class script {
public:
    /// `name` is for logs and metrics; both views have static storage.
    script(std::string_view name, std::string_view source);

    [[nodiscard]] std::string_view name() const noexcept { return name_; }
    [[nodiscard]] std::string_view source() const noexcept { return source_; }
    /// SHA-1 of the source, 40 hexadecimal digits.
    [[nodiscard]] std::string_view sha1() const noexcept { return sha1_; }

private:
    std::string_view name_;
    std::string_view source_;
    std::string sha1_;
};

}  // namespace shoal::redis
