#pragma once
// Paths as a part of keys. Only what RFC 3986, 6.2.2 says is equivalent becomes equal: "%61" and "a", "%c3" and "%C3".
// What servers and applications are known to read differently stays as it was sent, and is told.

#include <string>
#include <string_view>

namespace shoal::cache {

/// Appends the path of a key. Returns whether the path is doubtful, and then appended as it was sent: dot segments,
/// plain or encoded, "//", ';', '\', encoded delimiters, control characters, or '%' (which may be decoded twice),
/// bytes that a path can't have, and a '%' without two digits.
/// What is appended comes out the same when it is put in again.
[[nodiscard]] bool append_path(std::string& into, std::string_view path);

/// The same for a query or a part of it; there is nothing doubtful about one.
void append_encoded(std::string& into, std::string_view text);

}  // namespace shoal::cache
