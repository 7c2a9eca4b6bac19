#include "tests/load/domain/request_template.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

namespace shoal::load {
namespace {

/// Spread over the turns, as GET POST GET GET for 3 and 1: whoever is most behind comes next.
std::vector<std::uint8_t> take_turns(const std::vector<method_share>& methods)
{
    std::uint32_t total = 0;
    for (const auto& method : methods) total += method.share;
    std::vector<std::uint8_t> turns;
    std::vector<std::uint32_t> given(methods.size());
    for (std::uint32_t turn = 0; turn < total; ++turn) {
        std::size_t next = 0;
        double most = -1;
        for (std::size_t i = 0; i < methods.size(); ++i) {
            const double behind = static_cast<double>(methods[i].share) * (turn + 1) / total - given[i];
            if (given[i] == methods[i].share || behind <= most) continue;
            most = behind;
            next = i;
        }
        ++given[next];
        turns.push_back(static_cast<std::uint8_t>(next));
    }
    return turns;
}

bool repeatable(std::string_view method)
{
    constexpr std::array<std::string_view, 6> idempotent{"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"};
    return std::ranges::find(idempotent, method) != idempotent.end();
}

std::string field_lines(const request_shape& shape)
{
    std::string lines = fmt::format("Host: {}\r\n", shape.authority);
    if (!shape.keep_alive) lines += "Connection: close\r\n";
    for (const auto& field : shape.fields) lines += field + "\r\n";
    return lines;
}

}  // namespace

bool takes_body(std::string_view method) noexcept
{
    return method == "POST" || method == "PUT" || method == "PATCH";
}

text_template::text_template(std::string_view text, bool encode)
{
    const auto add = [this](kind what, std::string_view literal) {
        if (what != kind::literal || !literal.empty()) parts_.emplace_back(what, literal);
    };
    while (!text.empty()) {
        const auto key = text.find("{key}");
        const auto number = text.find("{n}");
        const auto next = std::min({key, number, text.size()});
        add(kind::literal, text.substr(0, next));
        text.remove_prefix(next);
        if (text.empty()) break;
        if (next == key) add(encode ? kind::encoded_key : kind::key, {});
        if (next == number) add(kind::number, {});
        text.remove_prefix(next == key ? 5 : 3);
    }
}

void text_template::append(const request_values& values, std::string& into) const
{
    for (const auto& [what, literal] : parts_) {
        switch (what) {
        case kind::literal: into += literal; break;
        case kind::key: values.keys.append_plain(values.key, into); break;
        case kind::encoded_key: values.keys.append_encoded(values.key, into); break;
        case kind::number: fmt::format_to(std::back_inserter(into), "{}", values.number); break;
        }
    }
}

request_template::request_template(const request_shape& shape)
    : turns_{take_turns(shape.methods)}, target_{shape.target, true}, fields_{field_lines(shape)}, body_{shape.body}
{
    for (const auto& method : shape.methods)
        methods_.push_back({method.name, repeatable(method.name), takes_body(method.name)});
}

void request_template::render(const request_values& values, std::string& into) const
{
    const prepared& method = methods_[method_of(values.number)];
    into.assign(method.name);
    into += ' ';
    target_.append(values, into);
    into += " HTTP/1.1\r\n";
    fields_.append(values, into);
    if (method.has_body) {
        std::string body;
        body_.append(values, body);
        fmt::format_to(std::back_inserter(into), "Content-Length: {}\r\n\r\n{}", body.size(), body);
    } else {
        into += "\r\n";
    }
}

}  // namespace shoal::load
