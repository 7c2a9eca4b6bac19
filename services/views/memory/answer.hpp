#pragma once
// An answer as it is kept, and sent again.

#include <string>
#include <vector>

#include <boost/smart_ptr/intrusive_ptr.hpp>

#include "common/coherence/stamp.hpp"
#include "common/core/counted.hpp"

namespace shoal::views {

/// Nobody changes it.
class answer final : public counted {
public:
    answer(unsigned status, std::string body, std::string etag, const coherence::stamp& at,
           std::vector<coherence::tag> tags);

    /// 200, or 404 for a key that has no row.
    [[nodiscard]] unsigned status() const noexcept { return status_; }
    [[nodiscard]] const std::string& body() const noexcept { return body_; }
    [[nodiscard]] const std::string& etag() const noexcept { return etag_; }
    /// The log position that the worker had applied when it asked Redis.
    [[nodiscard]] const coherence::stamp& at() const noexcept { return at_; }
    /// Of the entries that it is made of, and of their views.
    [[nodiscard]] const std::vector<coherence::tag>& tags() const noexcept { return tags_; }
    [[nodiscard]] std::size_t footprint() const noexcept override;

private:
    unsigned status_;
    std::string body_;
    std::string etag_;
    coherence::stamp at_;
    std::vector<coherence::tag> tags_;
};

using answer_ptr = boost::intrusive_ptr<const answer>;

}  // namespace shoal::views
