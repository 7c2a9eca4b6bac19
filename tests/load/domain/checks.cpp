#include "tests/load/domain/checks.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace shoal::load {
namespace {

using seconds = std::chrono::duration<double>;

}  // namespace

std::optional<std::uint64_t> number_after(std::string_view text, std::string_view mark) noexcept
{
    const auto found = text.find(mark);
    if (found == std::string_view::npos) return std::nullopt;
    text.remove_prefix(found + mark.size());
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
    std::uint64_t number = 0;
    if (std::from_chars(text.data(), text.data() + text.size(), number).ec != std::errc{}) return std::nullopt;
    return number;
}

checks::checks(check_options options, std::uint32_t keys)
    : options_{std::move(options)},
      body_{options_.body},
      version_in_field_{options_.version_mark.ends_with(':')},
      owners_(keys),
      newest_(options_.version_mark.empty() ? 0 : keys),
      buckets_(options_.admissions ? keys : 0)
{
}

bool checks::wants_body() const noexcept
{
    return !body_.empty() || (!options_.version_mark.empty() && !version_in_field_);
}

fate checks::judge(const answer_view& answer, const request_values& request, std::uint64_t newest_when_sent)
{
    // Who has the key is remembered whatever else is wrong, and an admission counts though its body may be wrong.
    const bool owner_right = owner_is_right(answer, request.key);
    if (!status_is_expected(answer.status)) return fate::wrong_status;
    const bool possible = admission_is_possible(answer, request.key);
    if (!body_.empty()) {
        scratch_.clear();
        body_.append(request, scratch_);
        if (answer.body.find(scratch_) == std::string_view::npos) return fate::wrong_body;
    }
    if (!possible) return fate::over_admitted;
    if (!newest_.empty()) {
        const auto seen = version(answer);
        if (!seen) return fate::wrong_body;
        newest_[request.key] = std::max(newest_[request.key], *seen);
        if (*seen < newest_when_sent) return fate::stale;
    }
    return owner_right ? fate::ok : fate::wrong_owner;
}

bool checks::status_is_expected(unsigned status) const noexcept
{
    return std::ranges::any_of(options_.statuses,
                               [&](const status_range& one) { return one.first <= status && status <= one.last; });
}

bool checks::owner_is_right(const answer_view& answer, std::uint32_t key)
{
    if (answer.worker == 0) return !options_.owner;
    const auto before = std::exchange(owners_[key], answer.worker);
    if (before == 0 || before == answer.worker) return true;
    ++owner_changes_;
    return !options_.owner;
}

// The admission was made at some time between sending and the answer. Of answers that came within T, the admissions
// were made within T and the slowest of them: only what not even that allows is a proof.
bool checks::admission_is_possible(const answer_view& answer, std::uint32_t key)
{
    if (!options_.admissions || answer.status < 200 || answer.status > 299) return true;
    const double rate = options_.admissions->limit / seconds{options_.admissions->period}.count();
    bucket& kept = buckets_[key];
    const auto took = answer.done - answer.sent;
    kept.level -= rate * seconds{answer.done - kept.last}.count();
    if (kept.level <= 0) kept = {.level = 0, .last = {}, .slowest = {}};
    kept.level += 1;
    kept.last = answer.done;
    kept.slowest = std::max(kept.slowest, took);
    return kept.level <= options_.admissions->burst + rate * seconds{kept.slowest}.count() + 1e-6;
}

std::optional<std::uint64_t> checks::version(const answer_view& answer) const noexcept
{
    return version_in_field_ ? number_after(answer.version_field, {})
                             : number_after(answer.body, options_.version_mark);
}

std::vector<std::uint32_t> checks::keys_by_worker() const
{
    std::vector<std::uint32_t> count(1);
    for (const auto worker : owners_) {
        if (worker >= count.size()) count.resize(std::size_t{worker} + 1);
        ++count[worker];
    }
    count[0] = 0;
    return count;
}

}  // namespace shoal::load
