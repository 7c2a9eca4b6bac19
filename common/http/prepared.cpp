#include "common/http/prepared.hpp"

namespace shoal::http {

short_lines& short_lines::operator=(const short_lines& from) noexcept
{
    if (this != &from) size_ = from.view().copy(text_.data(), from.size_);
    return *this;
}

bool short_lines::append(std::string_view text) noexcept
{
    if (text.size() > text_.size() - size_) return false;
    text.copy(text_.data() + size_, text.size());
    size_ += text.size();
    return true;
}

}  // namespace shoal::http
