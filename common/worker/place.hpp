#pragma once
// A place is a name by which the proxy reaches whichever process serves it. A process listens on a name of its
// own and takes the place over by rename, so that no connection is ever refused in between.

#include <cstdint>
#include <string>
#include <vector>

#include <sys/types.h>

namespace shoal::worker {

/// Who published a place last; stands in its lock file.
struct holder {
    std::int64_t generation = 0;
    std::string incarnation;
};

enum class possession : std::uint8_t {
    held,
    /// A name leads to another process, which serves the place now.
    taken_over,
    /// A name is gone: nobody can reach the place.
    vanished,
};

class place {
public:
    /// `paths` are the unix sockets of the place, in the order in which they are taken over.
    place(std::string lock_path, std::vector<std::string> paths, holder self);
    /// Removes the own names that were not published.
    ~place();
    place(const place&) = delete;
    place& operator=(const place&) = delete;

    /// Where to listen before publish(): `path` with the first 12 digits of the incarnation.
    [[nodiscard]] std::string own_name(const std::string& path) const;

    /// Takes the place over, under its lock. False when a newer generation has it: then nothing was changed and
    /// the own names are gone. Throws std::system_error.
    [[nodiscard]] bool publish();

    /// Who has the place by now, as its names tell.
    [[nodiscard]] possession look() const;

private:
    struct identity {
        dev_t device = 0;
        ino_t inode = 0;
        bool operator==(const identity&) const = default;
    };
    [[nodiscard]] static identity identity_of(const std::string& path);

    std::string lock_path_;
    std::vector<std::string> paths_;
    holder self_;
    std::vector<identity> published_;
};

}  // namespace shoal::worker
