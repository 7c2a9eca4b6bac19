#include "services/cache/memory/stored.hpp"

#include <cstring>

#include <algorithm>
#include <chrono>
#include <functional>
#include <limits>
#include <memory>
#include <new>
#include <stdexcept>

#include "common/core/heap.hpp"

namespace shoal::cache {
namespace {

/// A body up to here is copied whole: that is cheaper than to keep its owners.
constexpr std::uint64_t always_copied = 32 * 1024;

/// What an owner's two usual allocations, itself and its bytes, add to what it knows of.
constexpr std::size_t owner_overhead = 32;

std::string joined(const std::vector<std::string>& lines)
{
    std::string made;
    for (const auto& line : lines) {
        if (&line != &lines.front()) made.push_back('\n');
        made.append(line);
    }
    return made;
}

std::vector<std::string> split(std::string_view lines)
{
    std::vector<std::string> made;
    while (!lines.empty()) {
        const auto end = std::min(lines.find('\n'), lines.size());
        made.emplace_back(lines.substr(0, end));
        lines.remove_prefix(std::min(end + 1, lines.size()));
    }
    return made;
}

}  // namespace

/// Which pieces are copied: all of a small body, and those whose owner keeps much more than them.
struct stored::body_plan {
    /// Pieces one after the other that have one owner, which may be none. Empty ones are passed over.
    struct run {
        std::size_t begin = 0;
        std::size_t end = 0;
        std::size_t pieces = 0;
        std::size_t bytes = 0;
        bool copied = false;
    };

    explicit body_plan(const std::vector<shared_bytes>& body)
    {
        for (std::size_t i = 0; i < body.size(); ++i) {
            if (body[i].view.empty()) continue;
            length += body[i].view.size();
            if (runs.empty() || body[i].owner != body[runs.back().begin].owner) runs.push_back({.begin = i});
            runs.back().end = i + 1;
            runs.back().pieces += 1;
            runs.back().bytes += body[i].view.size();
        }
        bool after_copied = false;
        for (auto& one : runs) {
            decide(one, body[one.begin].owner);
            // What is copied one after the other becomes one piece.
            if (!one.copied || !after_copied) pieces += one.copied ? 1 : one.pieces;
            after_copied = one.copied;
        }
    }

    std::vector<run> runs;
    std::uint64_t length = 0;
    std::size_t pieces = 0;
    std::size_t copied_bytes = 0;
    /// Pieces that are not copied, and what their owners keep.
    std::size_t kept = 0;
    std::size_t kept_bytes = 0;

private:
    void decide(run& which, const keeper& owner)
    {
        const std::size_t known = owner ? owner->footprint() : 0;
        const std::size_t held = owner ? (known == 0 ? which.bytes : known) + owner_overhead : 0;
        which.copied = owner && (length <= always_copied || held > which.bytes + which.bytes / 4);
        if (which.copied) {
            copied_bytes += which.bytes;
        } else {
            kept += which.pieces;
            kept_bytes += held;
        }
    }
};

boost::intrusive_ptr<const stored> stored::make(const stored_parts& of)
{
    const body_plan plan{of.body};
    const std::string tag_texts = joined(of.tag_texts);
    const texts all{of.key, of.variant, of.vary, of.etag, of.last_modified, tag_texts, of.site, of.head};
    std::size_t text_bytes = 0;
    for (const auto text : all) text_bytes += text.size();
    if (text_bytes > std::numeric_limits<std::uint32_t>::max() ||
        plan.pieces > std::numeric_limits<std::uint32_t>::max() ||
        of.tags.size() > std::numeric_limits<std::uint16_t>::max())
        throw std::length_error{"too large to be stored"};

    const std::size_t size = sizeof(stored) + plan.pieces * sizeof(std::string_view) + plan.kept * sizeof(keeper) +
                             of.tags.size() * sizeof(tag) + text_bytes + plan.copied_bytes;
    void* const memory = ::operator new(size);
    // Its constructor does not throw: everything goes into what is there.
    return {::new (memory) stored{of, plan, all, size}};
}

stored::stored(const stored_parts& of, const body_plan& plan, const texts& all, std::size_t size)
    : status_{static_cast<std::uint16_t>(of.status)},
      tag_count_{static_cast<std::uint16_t>(of.tags.size())},
      piece_count_{static_cast<std::uint32_t>(plan.pieces)},
      kept_count_{static_cast<std::uint32_t>(plan.kept)},
      texts_{reinterpret_cast<char*>(tag_list() + tag_count_)},
      size_{size},
      body_length_{plan.length},
      footprint_{heap_bytes(size) + plan.kept_bytes},
      use_{of.use},
      received_{of.received},
      wall_received_{of.wall_received},
      since_{of.since},
      fill_{of.fill}
{
    std::uninitialized_copy(of.tags.begin(), of.tags.end(), tag_list());
    put_texts(all);
    put_body(of, plan);
}

stored::~stored()
{
    std::destroy_n(kept(), kept_count_);
}

void stored::operator delete(void* memory) noexcept
{
    ::operator delete(memory);
}

void stored::put_texts(const texts& all)
{
    char* to = texts_;
    for (std::size_t i = 0; i < part_count; ++i) {
        to = std::copy(all[i].begin(), all[i].end(), to);
        ends_[i] = static_cast<std::uint32_t>(to - texts_);
    }
}

void stored::put_body(const stored_parts& of, const body_plan& plan)
{
    char* to = texts_ + ends_.back();
    std::string_view* piece = pieces();
    keeper* keeps = kept();
    bool after_copied = false;
    for (const auto& run : plan.runs) {
        if (run.copied && !after_copied) std::construct_at(piece++, to, 0U);
        for (std::size_t i = run.begin; i < run.end; ++i) {
            const auto view = of.body[i].view;
            if (view.empty()) continue;
            if (run.copied) {
                to = std::copy(view.begin(), view.end(), to);
                piece[-1] = {piece[-1].data(), piece[-1].size() + view.size()};
            } else {
                std::construct_at(piece++, view);
                std::construct_at(keeps++, of.body[i].owner);
            }
        }
        after_copied = run.copied;
    }
}

bool stored::holds(std::string_view piece) const noexcept
{
    const char* const begin = reinterpret_cast<const char*>(this);
    return !std::less{}(piece.data(), begin) && std::less{}(piece.data(), begin + size_);
}

// The object's own allocation is larger than the object. None of the three is const: its constructor fills them.
std::string_view* stored::pieces() const noexcept
{
    return reinterpret_cast<std::string_view*>(const_cast<stored*>(this) + 1);
}

keeper* stored::kept() const noexcept
{
    return reinterpret_cast<keeper*>(pieces() + piece_count_);
}

tag* stored::tag_list() const noexcept
{
    return reinterpret_cast<tag*>(kept() + kept_count_);
}

std::int64_t stored::age(boot_time now) const noexcept
{
    const auto resident = std::chrono::duration_cast<std::chrono::seconds>(now - received_).count();
    return use_.initial_age + std::max<std::int64_t>(0, resident);
}

stored_parts stored::parts() const
{
    stored_parts made;
    made.key = key();
    made.variant = variant();
    made.vary = vary();
    made.status = status_;
    made.head = head();
    const keeper* next = kept();
    for (const auto piece : body()) made.body.push_back({piece, holds(piece) ? keeper{this} : *next++});
    made.etag = etag();
    made.last_modified = last_modified();
    made.use = use_;
    made.received = received_;
    made.wall_received = wall_received_;
    made.since = since_;
    made.tags.assign(tags().begin(), tags().end());
    made.tag_texts = split(tag_texts());
    made.site = site();
    made.fill = fill_;
    return made;
}

}  // namespace shoal::cache
