#include "common/redis/reply_builder.hpp"

#include <new>
#include <utility>

namespace shoal::redis {

reply_builder::reply_builder()
{
    functions_.createString = [](const redisReadTask* task, char* text, std::size_t size) {
        return build(task, [=]() -> value {
            if (task->type == REDIS_REPLY_ERROR) return error_text{std::string{text, size}};
            return std::string{text, size};
        });
    };
    functions_.createArray = [](const redisReadTask* task, int elements) -> void* {
        if (elements > most_elements) return nullptr;
        return build(task, [=]() -> value { return std::vector<value>(static_cast<std::size_t>(elements)); });
    };
    functions_.createInteger = [](const redisReadTask* task, long long number) {
        return build(task, [=]() -> value { return std::int64_t{number}; });
    };
    functions_.createNil = [](const redisReadTask* task) { return build(task, []() -> value { return nil{}; }); };
    functions_.freeObject = [](void* object) { *static_cast<value*>(object) = nil{}; };
}

void reply_builder::attach(redisAsyncContext& context) noexcept
{
    context_ = &context;
    context.c.reader->fn = &functions_;
    context.c.reader->privdata = this;
}

value* reply_builder::slot_for(const redisReadTask& task) noexcept
{
    if (task.parent != nullptr) {
        auto* parent = static_cast<value*>(task.parent->obj);
        return &(*std::get_if<std::vector<value>>(parent))[static_cast<std::size_t>(task.idx)];
    }
    auto& self = *static_cast<reply_builder*>(task.privdata);
    if (self.context_->replies.head != nullptr) return &self.root_;
    self.unsolicited_ = true;
    return nullptr;
}

/// A null pointer makes hiredis give up the connection; nothing may be thrown through it.
template <class Make>
void* reply_builder::build(const redisReadTask* task, Make make) noexcept
{
    value* slot = slot_for(*task);
    if (slot == nullptr) return nullptr;
    try {
        *slot = make();
    } catch (const std::bad_alloc&) {
        return nullptr;
    }
    return slot;
}

}  // namespace shoal::redis
