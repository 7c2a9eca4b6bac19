#include "services/cache/handlers/serve.hpp"

#include <utility>

#include "common/core/ascii.hpp"
#include "common/core/incarnation.hpp"
#include "services/cache/protocol/head.hpp"
#include "services/cache/protocol/range.hpp"

namespace shoal::cache {
namespace {

/// Keeps what an answer is made of that is not the stored response as it stands.
class composed final : public counted {
public:
    stored_ptr from;
    std::string head;
    /// Between the parts of a multipart body.
    std::vector<std::string> texts;
    std::vector<std::string_view> pieces;
    std::vector<shared_bytes> parts;
};

std::chrono::sys_seconds wall_seconds()
{
    return std::chrono::floor<std::chrono::seconds>(wall_clock::now());
}

void add_lines(http::prepared& into, const stored& from, boot_time now, protocol::cache_status told)
{
    const auto age = from.age(now);
    told.ttl = from.use().fresh_for - age;
    if (told.hit || age > 0) into.lines.append(protocol::age_line{age}.view());
    into.lines.append(protocol::cache_status_line{told}.view());
}

/// Appends the bytes first to last of the body.
void cut_out(std::vector<std::string_view>& into, std::span<const std::string_view> body,
             const protocol::byte_range& part)
{
    std::uint64_t at = 0;
    for (const auto piece : body) {
        const auto end = at + piece.size();
        if (end > part.first && at <= part.last) {
            const auto from = part.first > at ? part.first - at : 0;
            const auto to = std::min<std::uint64_t>(piece.size(), part.last + 1 - at);
            into.push_back(piece.substr(from, to - from));
        }
        at = end;
    }
}

http::prepared prepare(unsigned status, boost::intrusive_ptr<composed> with, std::uint64_t length)
{
    http::prepared made;
    made.status = status;
    made.head = with->head;
    made.body = with->pieces;
    made.length = length;
    made.owner = std::move(with);
    return made;
}

http::prepared whole(const stored_ptr& what)
{
    http::prepared made;
    made.status = what->status();
    made.owner = what;
    made.head = what->head();
    made.body = what->body();
    made.length = what->body_length();
    return made;
}

std::string_view content_type_of(const stored& of)
{
    for (const auto& one : protocol::lines_of(of.head()))
        if (iequals(one.name, "Content-Type")) return one.value;
    return {};
}

http::prepared one_part(const stored_ptr& what, const protocol::byte_range& part)
{
    boost::intrusive_ptr<composed> with{new composed};
    with->from = what;
    with->head =
        protocol::partial_head(what->head(), protocol::content_range(part, what->body_length()), {}, part.length());
    http::prepared made = prepare(206, std::move(with), part.length());
    made.body = what->body();
    made.offset = part.first;
    return made;
}

http::prepared several_parts(const stored_ptr& what, const std::vector<protocol::byte_range>& parts)
{
    const protocol::multipart around{random_incarnation(), content_type_of(*what), parts, what->body_length()};
    boost::intrusive_ptr<composed> with{new composed};
    with->from = what;
    with->texts = around.heads();
    with->texts.push_back(around.tail());
    for (std::size_t i = 0; i < parts.size(); ++i) {
        with->pieces.emplace_back(with->texts[i]);
        cut_out(with->pieces, what->body(), parts[i]);
    }
    with->pieces.emplace_back(with->texts.back());
    with->head = protocol::partial_head(what->head(), {}, around.content_type(), around.length());
    return prepare(206, std::move(with), around.length());
}

http::prepared bodiless(unsigned status, std::string head)
{
    boost::intrusive_ptr<composed> with{new composed};
    with->head = std::move(head);
    return prepare(status, std::move(with), 0);
}

http::prepared ranged(const stored_ptr& what, const ask& to)
{
    if (what->status() != 200 || to.view.range.empty() ||
        !protocol::range_counts(to.view, validators_of(*what), wall_seconds()))
        return whole(what);
    const auto resolved = protocol::resolve_range(to.view.range, what->body_length());
    if (resolved.answer == protocol::range_answer::whole) return whole(what);
    if (resolved.answer == protocol::range_answer::unsatisfiable)
        return bodiless(416, protocol::unsatisfiable_head(what->body_length(), wall_seconds()));
    if (resolved.parts.size() == 1) return one_part(what, resolved.parts.front());
    return several_parts(what, resolved.parts);
}

bool has_conditions(const protocol::request_view& of) noexcept
{
    return of.has_if_none_match || !of.if_modified_since.empty();
}

}  // namespace

protocol::validators validators_of(const stored& of) noexcept
{
    return {.etag = of.etag(), .last_modified = of.last_modified(), .date = {}};
}

http::prepared serve(const stored_ptr& what, const ask& to, boot_time now, protocol::cache_status told)
{
    auto made = what->status() == 200 && has_conditions(to.view) &&
                        protocol::not_modified(to.view, validators_of(*what), wall_seconds())
                    ? bodiless(304, protocol::not_modified_head(what->head()))
                    : ranged(what, to);
    add_lines(made, *what, now, told);
    return made;
}

std::optional<http::prepared> serve_part(const partial_ptr& what, const ask& to, boot_time now,
                                         protocol::cache_status told)
{
    if (to.view.range.empty() || !protocol::range_counts(to.view, validators_of(*what->head()), wall_seconds()))
        return std::nullopt;
    const auto resolved = protocol::resolve_range(to.view.range, what->length());
    if (resolved.answer != protocol::range_answer::partial || resolved.parts.size() != 1) return std::nullopt;
    const auto& part = resolved.parts.front();
    auto bytes = what->covers(part.first, part.last);
    if (!bytes) return std::nullopt;
    boost::intrusive_ptr<composed> with{new composed};
    with->parts = std::move(*bytes);
    for (const auto& one : with->parts) with->pieces.push_back(one.view);
    with->head =
        protocol::partial_head(what->head()->head(), protocol::content_range(part, what->length()), {}, part.length());
    auto made = prepare(206, std::move(with), part.length());
    add_lines(made, *what->head(), now, told);
    return made;
}

}  // namespace shoal::cache
