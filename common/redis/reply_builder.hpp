#pragma once
// Makes a value out of every reply while hiredis parses it, in place: no redisReply is built and copied.

#include "common/redis/value.hpp"

#include <hiredis/async.h>

namespace shoal::redis {

/// Arrays with more elements than this are refused as a broken protocol; hiredis would allocate what is announced.
inline constexpr int most_elements = 1 << 20;

/// Attach it to a context before the first read; it outlives the context. A callback's reply is then a value*
/// that may be moved from. hiredis' subscriptions, which look into redisReply, can't be used with it.
class reply_builder {
public:
    reply_builder();
    reply_builder(const reply_builder&) = delete;
    reply_builder& operator=(const reply_builder&) = delete;

    void attach(redisAsyncContext& context) noexcept;

    /// The server sent a reply that no command waits for. hiredis reports it as "Out of memory": left to itself
    /// it would end the process with an assertion.
    [[nodiscard]] bool unsolicited() const noexcept { return unsolicited_; }

private:
    static value* slot_for(const redisReadTask& task) noexcept;
    template <class Make>
    static void* build(const redisReadTask* task, Make make) noexcept;

    redisReplyObjectFunctions functions_;
    const redisAsyncContext* context_ = nullptr;
    value root_;
    bool unsolicited_ = false;
};

}  // namespace shoal::redis
