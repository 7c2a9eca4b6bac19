#pragma once
// One answer out of the bytes of a connection: Beast's parser, which keeps of an answer only what somebody looks at.

#include <boost/system/error_code.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace shoal::load {

/// What of answers is kept.
struct interest {
    std::string owner_field;
    /// Empty for none.
    std::string version_field;
    bool body = false;
};

/// One per connection; begin() before each answer.
class response_reader {
public:
    enum class state : std::uint8_t { more, done, malformed };

    explicit response_reader(const interest& wanted);
    ~response_reader();
    response_reader(const response_reader&) = delete;
    response_reader& operator=(const response_reader&) = delete;

    /// Expects an answer; `to_head` to a HEAD.
    void begin(bool to_head);

    /// Bytes as they came. What can't be read yet is copied.
    state received(std::string_view bytes);
    /// The connection has ended: done when that is how the answer ends.
    state ended();
    /// Something of the answer has come.
    [[nodiscard]] bool begun() const noexcept { return begun_; }
    /// Another request may follow: the answer allows it, and nothing came after it.
    [[nodiscard]] bool reusable() const noexcept;

    [[nodiscard]] unsigned status() const noexcept;
    [[nodiscard]] std::string_view owner() const noexcept;
    [[nodiscard]] std::string_view version_field() const noexcept;
    [[nodiscard]] std::string_view body() const noexcept;
    /// Why it is malformed.
    [[nodiscard]] std::string problem() const;

private:
    class parser;
    /// Returns what it did not use.
    [[nodiscard]] std::string_view parse(std::string_view bytes);

    const interest& wanted_;
    std::unique_ptr<parser> parser_;
    /// The part of a head, or of a chunk's, that has to be parsed in one piece with what follows.
    std::string left_;
    bool begun_ = false;
    bool to_head_ = false;
    boost::system::error_code problem_;
};

}  // namespace shoal::load
