#include <algorithm>

#include <fmt/format.h>

#include "common/core/ascii.hpp"
#include "common/core/text.hpp"
#include "services/cache/protocol/base64.hpp"
#include "services/cache/protocol/structured_fields.hpp"

namespace shoal::cache::protocol::sf {
namespace {

constexpr std::int64_t integer_end = 1'000'000'000'000'000;

/// Appends to `text`; false when something can't be written.
class writer {
public:
    std::string text;

    bool operator()(std::int64_t number)
    {
        if (number <= -integer_end || number >= integer_end) return false;
        text += std::to_string(number);
        return true;
    }

    bool operator()(const decimal& number)
    {
        const std::int64_t size = number.thousandths < 0 ? -number.thousandths : number.thousandths;
        if (number.thousandths <= -integer_end || number.thousandths >= integer_end) return false;
        std::string fraction = fmt::format("{:03}", size % 1000);
        while (fraction.size() > 1 && fraction.ends_with('0')) fraction.pop_back();
        text += fmt::format("{}{}.{}", number.thousandths < 0 ? "-" : "", size / 1000, fraction);
        return true;
    }

    bool operator()(const std::string& of)
    {
        text.push_back('"');
        for (const char c : of) {
            if (!is_visible(c) && c != ' ') return false;
            if (c == '"' || c == '\\') text.push_back('\\');
            text.push_back(c);
        }
        text.push_back('"');
        return true;
    }

    bool operator()(const token& of)
    {
        const std::string_view name = of.text;
        const auto belongs = [](char c) { return is_token(c) || c == ':' || c == '/'; };
        if (name.empty() || !std::ranges::all_of(name, belongs)) return false;
        const char first = to_lower(name.front());
        if (first != '*' && (first < 'a' || first > 'z')) return false;
        text += name;
        return true;
    }

    bool operator()(const bytes& of)
    {
        text.append(":").append(encode_base64(of.data)).append(":");
        return true;
    }

    bool operator()(bool flag)
    {
        text += flag ? "?1" : "?0";
        return true;
    }

    bool operator()(const date& of)
    {
        text.push_back('@');
        return (*this)(of.seconds);
    }

    bool operator()(const display_string& of)
    {
        if (!is_utf8(of.text)) return false;
        text += "%\"";
        for (const char c : of.text) {
            if (c == '%' || c == '"' || (!is_visible(c) && c != ' ')) {
                text += fmt::format("%{:02x}", static_cast<unsigned char>(c));
            } else {
                text.push_back(c);
            }
        }
        text.push_back('"');
        return true;
    }

    bool key(std::string_view of)
    {
        const auto belongs = [](char c) {
            return is_token(c) && c == to_lower(c) && std::string_view{"!#$%&'+^`|~"}.find(c) == std::string_view::npos;
        };
        if (of.empty() || is_digit(of.front()) || std::string_view{"_-."}.find(of.front()) != std::string_view::npos) {
            return false;
        }
        text += of;
        return std::ranges::all_of(of, belongs);
    }

    bool with(const parameters& of)
    {
        return std::ranges::all_of(of, [this](const auto& one) {
            text.push_back(';');
            if (!key(one.first)) return false;
            if (one.second == bare_item{true}) return true;
            text.push_back('=');
            return std::visit(*this, one.second);
        });
    }

    bool write(const item& of) { return std::visit(*this, of.value) && with(of.with); }

    bool write(const inner_list& of)
    {
        text.push_back('(');
        for (const auto& one : of.items) {
            if (&one != &of.items.front()) text.push_back(' ');
            if (!write(one)) return false;
        }
        text.push_back(')');
        return with(of.with);
    }

    bool write(const member& of)
    {
        return std::visit([this](const auto& one) { return write(one); }, of);
    }

    bool write_pair(const std::string& name, const member& of)
    {
        if (!key(name)) return false;
        const item* const single = std::get_if<item>(&of);
        if (single != nullptr && single->value == bare_item{true}) return with(single->with);
        text.push_back('=');
        return write(of);
    }
};

}  // namespace

std::optional<std::string> serialize(const item& of)
{
    writer to;
    if (!to.write(of)) return std::nullopt;
    return std::move(to.text);
}

std::optional<std::string> serialize(const list& of)
{
    writer to;
    for (const auto& one : of) {
        if (&one != &of.front()) to.text += ", ";
        if (!to.write(one)) return std::nullopt;
    }
    if (of.empty()) return std::nullopt;
    return std::move(to.text);
}

std::optional<std::string> serialize(const dictionary& of)
{
    writer to;
    for (const auto& one : of) {
        if (&one != &of.front()) to.text += ", ";
        if (!to.write_pair(one.first, one.second)) return std::nullopt;
    }
    if (of.empty()) return std::nullopt;
    return std::move(to.text);
}

}  // namespace shoal::cache::protocol::sf
