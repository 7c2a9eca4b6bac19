#include "tests/support/purge_redis_model.hpp"

#include <algorithm>

namespace shoal::test {

using coherence::stamp;

stamp purge_redis_model::current_head(std::uint64_t known, std::uint64_t least_sequence)
{
    const bool same_run = without_.run ? data_.sequence >= least_sequence : data_.run == run_id + replication_id;
    const bool whole = data_.sequence == 0 || (!data_.log.empty() && !data_.table.empty());
    const bool nothing_newer = without_.known || known <= data_.epoch;
    if (data_.epoch != 0 && same_run && nothing_newer && whole && data_.sequence < 4'294'967'295)
        return {data_.epoch, data_.sequence};

    const auto digits = without_.run_in_epoch ? 0 : std::stoull(run_id.substr(0, 5), nullptr, 16);
    data_.epoch = std::max({static_cast<std::uint64_t>(now_us), data_.epoch + 1, known + 1}) + digits;
    data_.sequence = 0;
    data_.run = run_id + replication_id;
    data_.log.clear();
    data_.table.clear();
    return {data_.epoch, 0};
}

stamp purge_redis_model::head(std::uint64_t known)
{
    return current_head(known);
}

purge_redis_model::renewed purge_redis_model::renew(std::uint64_t known, const stamp& applied,
                                                    const std::string& incarnation, const std::string& report,
                                                    std::size_t most)
{
    renewed made{current_head(known, applied.sequence), {}};
    const auto member = data_.members.find(incarnation);
    const bool first = applied.sequence == 0 || data_.renewed_us.count(incarnation) == 0;
    if (!without_.registering || member != data_.members.end() || first) data_.members[incarnation] = report;
    if (without_.registering || without_.pruning_us != 0) data_.renewed_us[incarnation] = now_us;
    if (applied.epoch != made.head.epoch) return made;
    for (const auto& each : data_.log) {
        if (each.at.sequence <= applied.sequence) continue;
        if (made.entries.size() == most) break;
        made.entries.push_back(each);
    }
    return made;
}

purge_redis_model::purged purge_redis_model::purge(std::uint64_t known, std::string_view hard, std::string_view soft,
                                                   std::size_t kept)
{
    auto at = current_head(known);
    at.sequence = ++data_.sequence;
    raise(hard, 0, at.sequence);
    raise(soft, 4, at.sequence);
    data_.log.push_back({at, std::string{hard}, std::string{soft}});
    while (data_.log.size() > kept) data_.log.pop_front();
    if (without_.pruning_us != 0) prune();
    return {at, {data_.members.begin(), data_.members.end()}};
}

void purge_redis_model::raise(std::string_view buckets, std::size_t part, std::uint64_t sequence)
{
    for (std::size_t i = 0; i + 4 <= buckets.size(); i += 4) {
        std::size_t which = 0;
        for (std::size_t j = 0; j < 4; ++j) which = which << 8U | static_cast<unsigned char>(buckets[i + j]);
        const auto offset = which * 8 + part;
        if (data_.table.size() < offset + 4) data_.table.resize(offset + 4);
        for (std::size_t j = 0; j < 4; ++j) data_.table[offset + j] = static_cast<char>(sequence >> (24 - 8 * j));
    }
}

void purge_redis_model::prune()
{
    for (auto member = data_.members.begin(); member != data_.members.end();) {
        const bool silent = data_.renewed_us[member->first] + without_.pruning_us < now_us;
        member = silent ? data_.members.erase(member) : std::next(member);
    }
}

std::size_t purge_redis_model::forget(const std::string& incarnation, const std::string& report)
{
    const auto found = data_.members.find(incarnation);
    if (found == data_.members.end() || found->second != report) return 0;
    data_.members.erase(found);
    return 1;
}

std::optional<std::string> purge_redis_model::report_of(const std::string& incarnation) const
{
    const auto found = data_.members.find(incarnation);
    if (found == data_.members.end()) return std::nullopt;
    return found->second;
}

std::string purge_redis_model::table_part(std::size_t offset, std::size_t length) const
{
    return offset < data_.table.size() ? data_.table.substr(offset, length) : std::string{};
}

}  // namespace shoal::test
