#include <chrono>
#include <cstdio>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "services/relay/setup/operations.hpp"
#include "services/relay/setup/preparation.hpp"

namespace shoal::relay {
namespace {

using boost::asio::awaitable;

/// Whoever waits for the lock of a table keeps its readers waiting too.
constexpr const char* begin = "BEGIN; SET LOCAL lock_timeout = '5s'; SET LOCAL statement_timeout = '8s'";
/// A new slot waits for the transactions that run.
constexpr std::chrono::seconds slot_patience{60};
constexpr std::string_view insufficient_privilege = "42501";
constexpr std::string_view lock_not_available = "55P03";

void say(std::FILE* to, const std::string& text)
{
    std::fputs(text.c_str(), to);
}

/// What an error means for whoever reads it.
const char* advice(const std::string& state)
{
    if (state == insufficient_privilege)
        return "'setup --help' says what the role needs; or let a role that has it run what 'setup --print' prints.\n";
    if (state == lock_not_available) return "A transaction holds the table; run the same command when it has ended.\n";
    return "";
}

int give_up(const std::string& doing, boost::system::error_code error, const database& base, const char* state_of_it)
{
    say(stderr, fmt::format("{}\n{}\n{}", printable(failure(doing, error, base)), state_of_it, advice(base.state())));
    return 1;
}

/// All of it or nothing: the connection ends with whoever returns.
awaitable<int> apply_schema(database& base, const std::vector<std::string>& statements)
{
    constexpr const char* nothing = "Nothing was changed.";
    const auto begun = co_await base.ask(begin);
    if (!begun) co_return give_up("beginning a transaction", begun.error(), base, nothing);
    for (const auto& one : statements) {
        const auto done = co_await base.ask(one);
        if (!done) co_return give_up(one, done.error(), base, nothing);
    }
    const auto done = co_await base.ask("COMMIT");
    if (!done) co_return give_up("COMMIT", done.error(), base, "Run the same command again to see what holds.");
    for (const auto& one : statements) say(stdout, printable_lines(one));
    co_return 0;
}

awaitable<int> apply_slot(database& base, const std::vector<std::string>& statements)
{
    if (!statements.empty()) say(stderr, "A new slot waits for the transactions that run now, up to a minute.\n");
    for (const auto& one : statements) {
        const auto done = co_await base.ask(one, slot_patience);
        if (!done)
            co_return give_up(
                one, done.error(), base,
                "Publication and replica identities are made, the slot is not; run the same command again.");
        say(stdout, printable_lines(one));
    }
    co_return 0;
}

std::string ready(const settings& chosen, const survey& of)
{
    return fmt::format("Database {} is ready: publication {}, slot {}.\n", printable(of.database), chosen.publication,
                       chosen.slot);
}

/// What keeps the database from being ready that `setup` does not do.
std::string hopeless(const std::vector<found>& all)
{
    std::string text;
    for (const auto& one : all)
        if (one.what.how == severity::refuse && !one.what.by_setup) text += to_text(one) + '\n';
    return text;
}

awaitable<int> verify(database& base, settings chosen)
{
    const auto seen = co_await look_at(base, chosen);
    const auto all = findings_of(chosen, seen);
    if (!is_sound(all) || !seen.slot.exists) {
        for (const auto& one : all) say(stderr, to_text(one) + '\n');
        say(stderr, "The database is not ready yet.\n");
        co_return 1;
    }
    say(stdout, ready(chosen, seen));
    co_return 0;
}

}  // namespace

awaitable<int> setup(boost::asio::io_context& loop, settings chosen, bool print)
{
    database base{loop};
    const auto seen = co_await look_at(base, chosen);
    if (const auto text = hopeless(findings_of(chosen, seen)); !text.empty()) {
        say(stderr, text + "Nothing was changed.\n");
        co_return 1;
    }
    const auto lacking = prepare(chosen, seen);
    if (print) {
        say(stdout, to_sql(lacking));
        co_return 0;
    }
    if (lacking.empty()) {
        say(stdout, "There is nothing to do. " + ready(chosen, seen));
        co_return 0;
    }
    int code = 0;
    if (!lacking.schema.empty()) code = co_await apply_schema(base, lacking.schema);
    if (code == 0) code = co_await apply_slot(base, lacking.slot);
    if (code != 0) co_return code;
    code = co_await verify(base, chosen);
    co_return code;
}

}  // namespace shoal::relay
