#pragma once
// A response as it is kept: in the worker's memory, and in Redis. Made once, then never changed: a 304 makes another
// one that shares the body. One allocation holds all of it but a large body.

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/core/bytes.hpp"
#include "common/core/clock.hpp"
#include "services/cache/coherence.hpp"
#include "services/cache/protocol/lifetime.hpp"

namespace shoal::cache {

/// Names one fill: what a 304 updates, and no other. Two draws are never equal: `process` is of the incarnation.
struct fill_id {
    std::uint64_t process = 0;
    std::uint64_t number = 0;

    friend bool operator==(const fill_id&, const fill_id&) = default;
};

/// What a `stored` is made of.
struct stored_parts {
    /// The URL as the site's rules normalise it: see site/key.hpp.
    std::string key;
    /// The normalised values of the request's fields that the response's Vary names; empty without Vary.
    std::string variant;
    /// What `variant` has the values of: names in lower case, sorted, joined by commas.
    std::string vary;

    unsigned status = 200;
    /// Status line and header lines as clients get them, with Date, and Content-Length where the body is complete;
    /// without Age, Connection and the empty line.
    std::string head;
    /// Complete, but in a partial, which has none. Static bytes have no owner.
    std::vector<shared_bytes> body;

    /// With its quotes and W/; empty without.
    std::string etag;
    /// As it was sent; empty without.
    std::string last_modified;

    lifetime use;
    /// When the response had been received. The two clocks are read together; only wall_received leaves the process.
    boot_time received;
    wall_clock::time_point wall_received;

    stamp since;
    /// Of the URL, the site, everything, and the surrogate keys and groups.
    std::vector<tag> tags;
    /// The surrogate keys and groups as text, for people; none has a line feed in it.
    std::vector<std::string> tag_texts;
    /// Name of the site, for metrics and inspection.
    std::string site;
    fill_id fill;
};

class stored final : public counted {
public:
    /// Copies what is small, and a body whose owners keep much more than it: what they keep is counted::footprint().
    /// Throws std::length_error for texts of 4 GiB.
    [[nodiscard]] static boost::intrusive_ptr<const stored> make(const stored_parts& of);

    [[nodiscard]] std::string_view key() const noexcept { return text(part::key); }
    [[nodiscard]] std::string_view variant() const noexcept { return text(part::variant); }
    [[nodiscard]] std::string_view vary() const noexcept { return text(part::vary); }
    [[nodiscard]] unsigned status() const noexcept { return status_; }
    [[nodiscard]] std::string_view head() const noexcept { return text(part::head); }
    [[nodiscard]] std::span<const std::string_view> body() const noexcept { return {pieces(), piece_count_}; }
    [[nodiscard]] std::uint64_t body_length() const noexcept { return body_length_; }
    [[nodiscard]] std::string_view etag() const noexcept { return text(part::etag); }
    [[nodiscard]] std::string_view last_modified() const noexcept { return text(part::last_modified); }
    [[nodiscard]] const lifetime& use() const noexcept { return use_; }
    [[nodiscard]] boot_time received() const noexcept { return received_; }
    [[nodiscard]] wall_clock::time_point wall_received() const noexcept { return wall_received_; }
    [[nodiscard]] const stamp& since() const noexcept { return since_; }
    [[nodiscard]] std::span<const tag> tags() const noexcept { return {tag_list(), tag_count_}; }
    /// One a line, without a line feed after the last.
    [[nodiscard]] std::string_view tag_texts() const noexcept { return text(part::tag_texts); }
    [[nodiscard]] std::string_view site() const noexcept { return text(part::site); }
    [[nodiscard]] const fill_id& fill() const noexcept { return fill_; }

    /// Age in whole seconds (RFC 9111, 4.2.3).
    [[nodiscard]] std::int64_t age(boot_time now) const noexcept;
    /// To make another one of: the body is shared.
    [[nodiscard]] stored_parts parts() const;
    /// All that it keeps on the heap, with what the allocator adds.
    [[nodiscard]] std::size_t footprint() const noexcept override { return footprint_; }

    static void operator delete(void* memory) noexcept;

private:
    /// The texts, in the order in which they lie one after the other.
    enum class part : std::uint8_t { key, variant, vary, etag, last_modified, tag_texts, site, head };
    static constexpr std::size_t part_count = 8;
    using texts = std::array<std::string_view, part_count>;
    struct body_plan;

    stored(const stored_parts& of, const body_plan& plan, const texts& all, std::size_t size);
    ~stored() override;

    void put_texts(const texts& all);
    void put_body(const stored_parts& of, const body_plan& plan);

    [[nodiscard]] std::string_view text(part which) const noexcept
    {
        const auto at = static_cast<std::size_t>(which);
        const std::uint32_t begin = at == 0 ? 0 : ends_[at - 1];
        return {texts_ + begin, ends_[at] - begin};
    }
    [[nodiscard]] bool holds(std::string_view piece) const noexcept;
    [[nodiscard]] std::string_view* pieces() const noexcept;
    [[nodiscard]] keeper* kept() const noexcept;
    [[nodiscard]] tag* tag_list() const noexcept;

    // Behind the object, in its allocation: pieces, what keeps those that were not copied, tags, texts, copied pieces.
    std::uint16_t status_;
    std::uint16_t tag_count_;
    std::uint32_t piece_count_;
    std::uint32_t kept_count_;
    std::array<std::uint32_t, part_count> ends_{};
    char* texts_;
    /// Of the object's allocation.
    std::size_t size_;
    std::uint64_t body_length_;
    std::size_t footprint_;
    lifetime use_;
    boot_time received_;
    wall_clock::time_point wall_received_;
    stamp since_;
    fill_id fill_;
};

using stored_ptr = boost::intrusive_ptr<const stored>;

}  // namespace shoal::cache
