#include "services/limiter/handlers_requests.hpp"

#include "common/core/ascii.hpp"

namespace shoal::limiter {
namespace {

constexpr std::string_view idempotency_key = "Idempotency-Key";

}  // namespace

boot_time deadline_of(const http::request& from)
{
    return from.deadline.value_or(boot_time::max());
}

std::vector<std::string_view> values_of(const http::request& from, std::string_view name)
{
    std::vector<std::string_view> found;
    for (const auto& header : from.headers)
        if (iequals(header.name_text, name)) found.push_back(header.value);
    return found;
}

parsed<std::optional<std::string_view>> idempotency_key_of(const http::request& from)
{
    if (!from.find(idempotency_key)) return std::optional<std::string_view>{};
    const auto values = values_of(from, idempotency_key);
    if (values.size() > 1) return refusal{400, "Idempotency-Key stands twice"};
    if (auto wrong = refuse_idempotency_key(values.front())) return *std::move(wrong);
    return std::optional{values.front()};
}

std::optional<refusal> refuse_idempotency(const http::request& from)
{
    if (!from.find(idempotency_key)) return std::nullopt;
    return refusal{400, "Idempotency-Key is honoured by POST /v1/limits/{rule}/{key} only; leave it out here"};
}

}  // namespace shoal::limiter
