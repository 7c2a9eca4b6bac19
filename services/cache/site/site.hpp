#pragma once
// One site: its hosts, its origin, and the rules of its paths.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "services/cache/site/address.hpp"
#include "services/cache/site/rule.hpp"

namespace shoal::cache {

/// Which of the addresses in X-Forwarded-For the origin is told.
enum class forwarded_for : std::uint8_t {
    /// That of the client, as our own proxy or a trusted one in front of it saw it.
    client,
    /// All of them, for an application that looks for itself.
    chain,
    none,
};

/// A path that is asked for at each interval.
struct health_check {
    std::string path;
    std::string host;
    std::chrono::milliseconds interval{2'000};
    std::chrono::milliseconds timeout{1'000};

    friend bool operator==(const health_check&, const health_check&) = default;
};

struct origin_servers {
    /// "unix:/run/app.sock", "127.0.0.1:8000", "app.internal:80", "[::1]:80".
    std::vector<std::string> servers;
    /// Sent as Host; empty for the client's own.
    std::string host;
    std::chrono::milliseconds connect{1'000};
    std::chrono::milliseconds first_byte{30'000};
    std::chrono::milliseconds between_bytes{30'000};
    std::chrono::milliseconds idle{30'000};
    std::size_t connections = 64;
    std::optional<health_check> check;

    friend bool operator==(const origin_servers&, const origin_servers&) = default;
};

struct site {
    std::string name;
    /// Lower case, without port: "shop.example", "*.shop.example", "*".
    std::vector<std::string> hosts;
    origin_servers origin;
    /// Bytes of body above which a response streams through without being stored.
    std::uint64_t max_object = std::uint64_t{16} << 20U;
    /// It relies on the relay of its database: nothing is served from what is kept unless the relay has said for less
    /// long than this that everything is purged.
    std::optional<std::chrono::milliseconds> relay_within{};
    /// How many responses in memory each worker compares with the origin's; nothing for none.
    std::optional<int> audits_per_second{};
    /// A request that names a write of its client's waits so long, at most, until that is purged, and then goes to the
    /// origin; without, what it names is not looked at.
    std::optional<std::chrono::milliseconds> read_your_writes{};
    /// Surrogate-Key, Cache-Tag and xkey do not go to clients.
    bool tags_hidden = false;
    forwarded_for addresses = forwarded_for::client;
    /// In front of ours, and trusted: no clients. Of all sites the same.
    std::vector<listed_block> proxies;
    std::vector<rule> rules;
    /// Where no rule of `rules` matches.
    rule otherwise;
    /// For paths that servers read differently (see path.hpp): only what the origin itself says, and nothing at all on
    /// a site with a rule that passes or bypasses.
    rule doubtful;

    /// For a path as append_path() writes it.
    [[nodiscard]] const rule& rule_of(std::string_view path, bool is_doubtful) const noexcept;
};

}  // namespace shoal::cache
