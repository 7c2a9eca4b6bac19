#include "services/relay/setup/commands.hpp"

#include <cstdio>
#include <exception>
#include <string>
#include <string_view>

#include <CLI/CLI.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "common/config/reader.hpp"
#include "services/relay/setup/operations.hpp"

namespace shoal::relay {
namespace {

namespace asio = boost::asio;

constexpr int failed = 1;
constexpr int usage_error = 2;

const char* const check_footer =
    "Compares the rules of services.relay with the schema as it is now, and changes nothing. Each finding says what "
    "is\n"
    "wrong and the SQL that helps. A rule is refused when changes of its table would be missed in silence: no relay\n"
    "follows the slot while there is one. It needs a role that may connect (LOGIN) and replicate (REPLICATION).\n"
    "\n"
    "exit codes: 0 every rule holds; 1 one is refused, or the database is not reached; 2 wrong usage.\n"
    "\n"
    "example: shoal-relay check --config shoal.json --json | jq '.findings[].text'\n";

const char* const setup_footer =
    "Makes what the rules of services.relay need and the database lacks: the publication and the replica identities "
    "in\n"
    "one transaction, then the slot. What is there stays as it is; running it again does nothing. It does nothing\n"
    "either while a rule is refused that it can't help: say 'check' for what to do.\n"
    "REPLICA IDENTITY FULL makes PostgreSQL log the whole old row of each UPDATE and DELETE of that table.\n"
    "\n"
    "The role of \"postgres\" in the configuration needs, as a superuser would give it:\n"
    "  ALTER ROLE shoal LOGIN REPLICATION;           the relay itself, and the slot\n"
    "  GRANT CREATE ON DATABASE shop TO shoal;       to make the publication\n"
    "  GRANT owner_of_the_tables TO shoal;           to add its tables, and to set their replica identities\n"
    "With the first alone, --print, and let a role that may do the rest run that; or name such a role's connection\n"
    "with --postgres, without its password: that is in its ~/.pgpass, or in PGPASSFILE.\n"
    "\n"
    "exit codes: 0 the database is ready; 1 it is not, and nothing is half done; 2 wrong usage.\n"
    "\n"
    "example: shoal-relay setup --config shoal.json --print | psql -v ON_ERROR_STOP=1 -U postgres shop\n";

struct asked {
    std::string config;
    std::string postgres;
    bool checks = false;
    bool json = false;
    bool print = false;
};

CLI::App* add_command(CLI::App& to, const char* name, const char* what, const char* footer, asked& read)
{
    auto* const made = to.add_subcommand(name, what);
    made->footer(footer);
    made->add_option("--config", read.config, "Configuration file of the fleet")->required();
    return made;
}

settings chosen_by(const asked& what)
{
    auto chosen = read_configuration(what.config);
    if (what.postgres.empty()) return chosen;
    if (const auto why = refuse_target(what.postgres); !why.empty())
        throw CLI::ValidationError("--postgres", "is no connection string of libpq: " + why);
    // The file has the password of the relay's own role.
    chosen.database = {};
    chosen.database.target = what.postgres;
    return chosen;
}

int obey(const asked& what)
{
    const auto chosen = chosen_by(what);
    asio::io_context loop{1};
    int code = failed;
    asio::co_spawn(loop, what.checks ? check(loop, chosen, what.json) : setup(loop, chosen, what.print),
                   [&code](const std::exception_ptr& thrown, int ended) {
                       if (thrown) std::rethrow_exception(thrown);
                       code = ended;
                   });
    loop.run();
    return code;
}

}  // namespace

bool is_command(int argc, const char* const* argv)
{
    if (argc < 2) return false;
    const std::string_view first = argv[1];
    return first == "check" || first == "setup";
}

int run_command(int argc, const char* const* argv)
{
    asked read;
    CLI::App app{"shoal-relay: the commands of its operators", "shoal-relay"};
    app.require_subcommand(1);
    auto* const checks = add_command(app, "check", "Would each rule purge all that it should?", check_footer, read);
    checks->add_flag("--json", read.json, "For machines: {\"ok\": true, \"findings\": []}");
    auto* const makes =
        add_command(app, "setup", "Make the publication, the replica identities and the slot", setup_footer, read);
    makes->add_flag("--print", read.print, "Print the SQL, and do nothing");
    makes->add_option("--postgres", read.postgres,
                      "Connection string of a role that may do it, in place of the relay's own");
    try {
        app.parse(argc, argv);
        read.checks = checks->parsed();
        return obey(read);
    } catch (const CLI::Success& wanted) {
        return app.exit(wanted);
    } catch (const CLI::ParseError& wrong) {
        app.exit(wrong);
        return usage_error;
    } catch (const config::error& wrong) {
        std::fprintf(stderr, "%s\n", wrong.what());
    } catch (const std::exception& failure) {
        std::fprintf(stderr, "shoal-relay: %s\n", failure.what());
    }
    return failed;
}

}  // namespace shoal::relay
