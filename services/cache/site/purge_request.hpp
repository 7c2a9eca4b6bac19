#pragma once
// What a request to purge names. Pure: text in, tags or a problem out.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/system/result.hpp>

#include "services/cache/coherence.hpp"
#include "services/cache/site/key.hpp"
#include "services/cache/site/site_list.hpp"

namespace shoal::cache {

/// Why a request is refused; `detail` is for the client and says what to do.
struct purge_refusal {
    purge_refusal() = default;
    purge_refusal(unsigned with_status, std::string why) : status{with_status}, detail{std::move(why)} {}

    unsigned status = 400;
    std::string detail;
};

template <class T>
using purge_result = boost::system::result<T, purge_refusal>;

[[noreturn]] void throw_exception_from_error(const purge_refusal& refused, const boost::source_location& where);

struct purge_request {
    /// Without doubles.
    std::vector<tag> tags;
    bool soft = false;
};

/// The body of POST /v1/cache/purge; at least one of the first four, at most 10,000 tags in all:
/// {"urls":["https://shop.example/list"], "tags":["product-7"], "sites":["shop"], "all":true, "soft":true}.
/// The tags are surrogate keys, which are of all sites together. An empty request is refused: {"all":true} is said.
[[nodiscard]] purge_result<purge_request> read_purge(std::string_view body, const site_list& sites);

/// Where an absolute URL is kept.
struct url_place {
    const site* of = nullptr;
    const rule* by = nullptr;
    /// As every request for it has it.
    std::string key;
};

/// For http and https, with a host that is of a site; a fragment is refused.
[[nodiscard]] purge_result<url_place> place_of(std::string_view url, const site_list& sites);

/// The tag that every variant of a key has.
[[nodiscard]] tag url_tag(const site& of, std::string_view key);

}  // namespace shoal::cache
