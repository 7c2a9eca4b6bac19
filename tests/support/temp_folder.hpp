#pragma once
// A private folder with a short path (sockets go into it), removed with everything in it.

#include <string>

namespace shoal::test {

class temp_folder {
public:
    /// Throws std::system_error.
    temp_folder();
    ~temp_folder();
    temp_folder(const temp_folder&) = delete;
    temp_folder& operator=(const temp_folder&) = delete;

    [[nodiscard]] std::string file(const std::string& name) const { return path_ + "/" + name; }

private:
    std::string path_;
};

}  // namespace shoal::test
