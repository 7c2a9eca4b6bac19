#include "common/coherence/acknowledgement.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace shoal::coherence {
namespace {

bool covers(const stamp& applied, const stamp& purge) noexcept
{
    return applied.epoch == purge.epoch && applied.sequence >= purge.sequence;
}

bool take_number(std::string_view& text, std::uint64_t& into) noexcept
{
    const auto* const end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, into);
    if (read.ec != std::errc{} || read.ptr == end || *read.ptr != ' ') return false;
    text.remove_prefix(static_cast<std::size_t>(read.ptr - text.data()) + 1);
    return true;
}

std::vector<std::string> names_of(const std::vector<acknowledgement::member>& members)
{
    std::vector<std::string> names;
    for (const auto& each : members) {
        const auto report = read_member_report(each.report);
        names.emplace_back(report ? report->name : std::string_view{each.incarnation});
    }
    std::sort(names.begin(), names.end());
    return names;
}

}  // namespace

std::string to_text(const member_report& report)
{
    constexpr std::size_t digits = 20;
    std::array<char, 3 * (digits + 1)> numbers{};
    char* at = numbers.data();
    for (const auto each : {report.applied.epoch, report.applied.sequence, report.renewals}) {
        at = std::to_chars(at, at + digits, each).ptr;
        *at++ = ' ';
    }
    return std::string{numbers.data(), at}.append(report.name);
}

std::optional<member_report> read_member_report(std::string_view text) noexcept
{
    member_report read;
    if (!take_number(text, read.applied.epoch) || !take_number(text, read.applied.sequence) ||
        !take_number(text, read.renewals))
        return std::nullopt;
    read.name = text;
    return read;
}

acknowledgement::acknowledgement(const stamp& at, boot_time received, std::vector<member> members,
                                 const lease_terms& terms, boot_time reports_count_from)
    : at_{at}, fenced_at_{terms.fenced(received)}, reports_count_from_{reports_count_from}, awaited_{std::move(members)}
{
    // One that is about to leave has reported more than there can be.
    for (const auto& each : std::vector{awaited_}) reported(each.incarnation, each.report);
}

void acknowledgement::reported(std::string_view incarnation, std::string_view report)
{
    if (const auto read = read_member_report(report)) applied(incarnation, read->applied);
}

void acknowledgement::applied(std::string_view incarnation, const stamp& position)
{
    if (!covers(position, at_)) return;
    const auto of = std::find_if(awaited_.begin(), awaited_.end(),
                                 [incarnation](const member& each) { return each.incarnation == incarnation; });
    if (of == awaited_.end()) return;
    confirmed_.push_back(std::move(*of));
    awaited_.erase(of);
}

std::vector<acknowledgement::member> acknowledgement::departed() const
{
    std::vector<member> found;
    for (const auto& each : confirmed_)
        if (const auto read = read_member_report(each.report); read && read->applied.sequence == beyond_all)
            found.push_back(each);
    return found;
}

bool acknowledgement::over(boot_time now) const noexcept
{
    return now >= fenced_at_ || (awaited_.empty() && now >= reports_count_from_);
}

boot_time acknowledgement::next_look(boot_time now) const noexcept
{
    return awaited_.empty() && now < reports_count_from_ ? std::min(fenced_at_, reports_count_from_) : fenced_at_;
}

std::vector<std::string> acknowledgement::confirmed() const
{
    return names_of(confirmed_);
}

std::vector<std::string> acknowledgement::fenced() const
{
    return names_of(awaited_);
}

}  // namespace shoal::coherence
