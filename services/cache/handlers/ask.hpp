#pragma once
// What one request wants of the cache: its site and rule, its key, and its fields as the cache reads them.

#include <string>
#include <string_view>
#include <vector>

#include "common/core/clock.hpp"
#include "common/http/request.hpp"
#include "services/cache/handlers/live_site.hpp"
#include "services/cache/memory/variant_source.hpp"
#include "services/cache/protocol/request_view.hpp"
#include "services/cache/protocol/vary.hpp"
#include "services/cache/site/host.hpp"

namespace shoal::cache {

/// The views belong to the headers.
[[nodiscard]] std::vector<field_view> fields_of(const std::vector<http::header>& headers);

/// The views belong to the request that it was made from, unless owned_copy() made it.
class ask final : public variant_source {
public:
    ask() = default;
    ~ask() = default;
    ask(ask&&) noexcept = default;
    ask& operator=(ask&&) noexcept = default;
    ask(const ask&) = delete;
    ask& operator=(const ask&) = delete;

    live_site_ptr at;
    const rule* by = nullptr;
    std::string key;
    std::string_view method;
    /// As the client sent it, in origin form.
    std::string_view target;
    host_name host;
    scheme over = scheme::http;
    /// As they came.
    std::vector<field_view> fields;
    protocol::request_view view;
    boot_time received;
    /// By when the head of its answer must be there.
    boot_time deadline = boot_time::max();

    /// Its client has written before, and that is purged by now: what was true before will not do, not even where it
    /// was purged softly.
    bool after_write = false;
    /// Its client has written before, and that is not known to be purged: nothing will do but what the origin was asked
    /// for after the request had come, and answers in full.
    bool write_not_purged = false;
    /// Why it is passed to the origin, where neither its method nor a rule says so: as in cache_status.
    std::string_view passed_for{};

    /// May be answered from what is stored, and its answer be stored: GET and HEAD, but for what the rule passes.
    bool cacheable = false;

    /// Of what the origin gets: outgoing_fields.
    [[nodiscard]] std::string_view of(std::string_view vary) override;
    /// For what goes on after the client has left.
    [[nodiscard]] ask owned_copy() const;

    /// Fills everything from `view` on, once what stands before it is there.
    void read();

private:
    std::string owned_;
    std::string variant_;
    /// Of a variant that is being made; kept for its memory.
    std::vector<field_view> named_;
};

}  // namespace shoal::cache
