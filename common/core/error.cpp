#include "common/core/error.hpp"

#include <string>

namespace shoal {
namespace {

class category final : public boost::system::error_category {
public:
    [[nodiscard]] const char* name() const noexcept override { return "shoal"; }

    [[nodiscard]] std::string message(int value) const override
    {
        switch (static_cast<errc>(value)) {
        case errc::redis_unavailable: return "Redis is not available; the command was not sent";
        case errc::redis_outcome_unknown: return "no answer from Redis; the command may have run";
        case errc::redis_error_reply: return "Redis answered with an error";
        case errc::redis_unexpected_reply: return "Redis answered with an unexpected reply";
        case errc::deadline_exceeded: return "the deadline passed before the work began";
        case errc::connection_lost: return "the other side closed the connection";
        case errc::malformed_body: return "the body's framing is malformed";
        case errc::too_large: return "the message is larger than allowed";
        case errc::origin_unreachable: return "no connection to the origin";
        case errc::origin_busy: return "too many requests wait for the origin";
        case errc::origin_timeout: return "the origin took too long";
        case errc::origin_lost: return "the origin ended the connection before its answer was complete";
        case errc::origin_malformed: return "the origin's answer is malformed";
        case errc::origin_error_status: return "the origin answered that it failed";
        case errc::database_lost: return "no connection to the database";
        case errc::database_refused: return "the database answered with an error";
        case errc::database_malformed: return "what the database sent is malformed";
        case errc::too_many_relations: return "the publication has more tables than can be followed";
        }
        return "unknown error";
    }
};

}  // namespace

const boost::system::error_category& shoal_category() noexcept
{
    static const category instance;
    return instance;
}

}  // namespace shoal
