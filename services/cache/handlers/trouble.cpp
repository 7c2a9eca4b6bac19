#include "services/cache/handlers/trouble.hpp"

#include "common/core/error.hpp"

namespace shoal::cache {

http::response error_answer(boost::system::error_code why)
{
    if (why == errc::origin_busy) {
        auto answer = http::problem(503, "too many requests wait for the origin; try again in a second");
        answer.add("Retry-After", "1");
        return answer;
    }
    if (why == errc::origin_timeout) return http::problem(504, "the origin did not answer in time");
    if (why == errc::origin_unreachable) return http::problem(502, "no connection to the origin could be made");
    if (why == errc::origin_malformed) return http::problem(502, "the origin's answer can't be passed on");
    return http::problem(502, "the origin gave no complete answer");
}

http::response refused(unsigned status, std::string_view why)
{
    auto answer = http::problem(status, why);
    answer.add("Cache-Status", "shoal");
    return answer;
}

}  // namespace shoal::cache
