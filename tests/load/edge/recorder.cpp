#include "tests/load/edge/recorder.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <iterator>

#include "tests/load/domain/bad_input.hpp"

namespace shoal::load {
namespace {

constexpr std::size_t written_at_once = 1 << 18;

double us(std::chrono::nanoseconds time)
{
    return static_cast<double>(time.count()) / 1000;
}

}  // namespace

recorder::recorder(const std::string& path) : path_{path}, file_{std::fopen(path.c_str(), "we")}
{
    if (file_ == nullptr)
        throw bad_input{fmt::format("--record '{}' can't be written: {}", path, std::strerror(errno))};
    buffer_ = "number\tmethod\tkey\tintended_us\tsent_us\tdone_us\tlatency_us\tfate\tstatus\tworker\n";
}

recorder::~recorder()
{
    if (file_ != nullptr) std::fclose(file_);
}

void recorder::add(const outcome& one, std::string_view method, std::string_view key, std::string_view worker)
{
    const std::string sent = one.sent.count() < 0 ? "-" : fmt::format("{:.1f}", us(one.sent));
    fmt::format_to(std::back_inserter(buffer_), "{}\t{}\t{}\t{:.1f}\t{}\t{:.1f}\t{:.1f}\t{}\t{}\t{}\n", one.number,
                   method, key, us(one.intended), sent, us(one.done), us(one.latency()), name(one.how), one.status,
                   worker);
    if (buffer_.size() >= written_at_once) write();
}

void recorder::write()
{
    if (problem_.empty() && std::fwrite(buffer_.data(), 1, buffer_.size(), file_) != buffer_.size())
        problem_ = fmt::format("--record '{}' is not complete: {}", path_, std::strerror(errno));
    buffer_.clear();
}

std::string recorder::finish()
{
    write();
    if (problem_.empty() && std::fflush(file_) != 0)
        problem_ = fmt::format("--record '{}' is not complete: {}", path_, std::strerror(errno));
    return problem_;
}

}  // namespace shoal::load
