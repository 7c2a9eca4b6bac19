"""scripts/fleet relay: the database made ready, the rules compared with its schema, and how far purges have come."""

from __future__ import annotations

import argparse
import http.client
import json
import math
import subprocess
import time
from functools import partial
from typing import Any, Mapping

from shoal_fleet.errors import FleetError
from shoal_fleet.fleet import Fleet
from shoal_fleet.terminal import duration, table
from shoal_fleet.tool import Tool
from shoal_fleet.worker_api import get, of_each, post

_EXAMPLES = """\
examples:
  scripts/fleet relay setup --print     the SQL that makes the database ready
  scripts/fleet relay check             would each rule purge all that it should?
  scripts/fleet relay status            who follows the slot, and how far behind
  scripts/fleet relay audit             is what is kept what it should be?
  scripts/fleet relay rebuild product   recompute all of a view, while it is served
"""
_SETUP = """\
Makes the publication, the slot and the replica identities that the rules in force need, as the account and the
database role that the relay has, or over the connection that DSN names, of a role that may do more: without its
password, which is in a PGPASSFILE that the account can read. --print changes nothing and prints the SQL, for a role that may do more: pipe it
into psql. What is there already is left as it is, so it is safe to run again. Nothing is done while a rule is refused
that this can't help: 'scripts/fleet relay check' says what can.

The role needs REPLICATION, as the relay does; to make the publication CREATE on the database; to publish a table and
to widen its replica identity to own it, or to be a member of its owner:
  ALTER ROLE shoal LOGIN REPLICATION;
  GRANT CREATE ON DATABASE shop TO shoal;
  GRANT owner_of_the_tables TO shoal;

Ends with 0 when the database is ready, with 1 when it refused or is not reached.

examples:
  scripts/fleet relay setup
  scripts/fleet relay setup 'host=/run/postgresql dbname=shop user=postgres'
  scripts/fleet relay setup --print | psql -v ON_ERROR_STOP=1 -h /run/postgresql -U postgres shop
"""
_CHECK = """\
Compares the rules in force with the schema as it is now: tables and columns that are not there, old values that
the replica identity does not carry, tables that PostgreSQL does not log. Says what would help, and changes nothing.

Ends with 0 when every rule holds, with 1 when one is refused or the database is not reached.

examples:
  scripts/fleet relay check
  scripts/fleet relay check --json
"""
_STATUS = """\
ROLE is active (it follows the slot), standby (it takes over when the active one is gone) or disconnected, with the
reason below. RECEIVED and CONFIRMED are positions in PostgreSQL's log; LAG is what the log has beyond CONFIRMED, in
bytes and in time; OPEN transactions have been received and not confirmed; ROWS is how many changed rows they had,
PURGES what became of them, since the worker started; WAL is what the slot keeps PostgreSQL from forgetting.
Of each view: STATE is ready, filling (what is there is right, much may be missing) or failed, with the reason below.

examples:
  scripts/fleet relay status
  scripts/fleet relay status --json | jq '.workers[] | select(.role == "active") | .lag_ms'
"""

_AUDIT = """\
Each cache compares what is in its memory with the origin's answers, all of it again and again, where a site has "audit"
in its configuration; the active relay the views with their queries, where its own section has it. What differs is
looked at again a second later. SAMPLES were compared since the worker started; INCONSISTENT differed although nothing
had purged it, and was purged or written anew at once; CONSISTENT is the rest; CHANGING are pages that differ each time
they are asked for, of which nothing can be said; FAILED could not be asked. SWEEP is how long it took to look at
everything.

examples:
  scripts/fleet relay audit
  scripts/fleet relay audit --json | jq '[.workers[].inconsistent] | add'
"""

_AUDITS = {"cache": "/-/cache/audit", "relay": "/-/relay/audit"}
_AUDIT_HEADER = ("WORKER", "SAMPLES", "INCONSISTENT", "CONSISTENT", "CHANGING", "FAILED", "SWEEP", "LAST FOUND")
_AUDIT_RIGHT = _AUDIT_HEADER[1:-1]
_REBUILD = """\
Has the relay that follows the slot recompute every entry of a view, those that its query returns and those that Redis
has. The view is served meanwhile. One that failed is tried at once. Ends with 0 once the relay has begun; 'scripts/fleet relay status' shows the view.

examples:
  scripts/fleet relay rebuild product
"""

_VIEWS_HEADER = ("VIEW", "KIND", "STATE", "ENTRIES", "GENERATION")
_VIEW_FIELDS = ("name", "kind", "state", "entries", "generation")
_HEADER = ("WORKER", "ROLE", "RECEIVED", "CONFIRMED", "LAG", "BEHIND", "OPEN", "ROWS", "PURGES", "WAL")
_COUNTS = ("open_transactions", "rows", "purges")
_RIGHT = ("LAG", "BEHIND", "OPEN", "ROWS", "PURGES", "WAL")


def register(subparsers: Any, context: Any) -> None:
    parser = context.add_parser(subparsers, "relay", "make a database ready, check rules, show how far purges are",
                                epilog=_EXAMPLES)
    nested = parser.add_subparsers(dest="relay_command", metavar="setup|check|status|audit|rebuild", required=True)
    setup = context.add_parser(nested, "setup", "make the publication, the slot and replica identities", epilog=_SETUP)
    setup.add_argument("dsn", metavar="DSN", nargs="?", help="connection string of a role that may do it "
                       "(default: the relay's own)")
    setup.add_argument("--print", action="store_true", help="print the SQL, and do nothing")
    setup.set_defaults(run=run_setup)
    check = context.add_parser(nested, "check", "compare the rules with the schema", epilog=_CHECK)
    check.set_defaults(run=run_check)
    status = context.add_parser(nested, "status", "print who follows the slot, and how far behind", epilog=_STATUS)
    status.set_defaults(run=run_status)
    audit = context.add_parser(nested, "audit", "print what the auditor has compared and found", epilog=_AUDIT)
    audit.set_defaults(run=run_audit)
    rebuild = context.add_parser(nested, "rebuild", "recompute all of a view, while it is served", epilog=_REBUILD)
    rebuild.add_argument("view", metavar="VIEW", help="its name in services.relay.views")
    rebuild.set_defaults(run=run_rebuild)


def run_setup(tool: Tool, args: argparse.Namespace) -> int:
    return _run(tool, ["setup", *(["--print"] if args.print else []), *(["--postgres", args.dsn] if args.dsn else [])])


def run_check(tool: Tool, args: argparse.Namespace) -> int:
    return _run(tool, ["check", *(["--json"] if getattr(args, "json", False) else [])])


def _run(tool: Tool, words: list[str]) -> int:
    """As the account: a database that knows its clients by their names sees the one that the workers have."""
    fleet = tool.open()
    fleet.need_places("relay")
    subcommand, *options = words
    command = [str(fleet.layout.binaries / fleet.state.build / fleet.manifest("relay").executable), subcommand,
               "--config", str(fleet.layout.config), *options]
    tool.terminal.clear()
    try:
        code = subprocess.run(command, stdin=subprocess.DEVNULL, cwd="/", **fleet.account.popen_arguments()).returncode
    except OSError as error:
        raise FleetError(f"{command[0]} can't be run: {error.strerror}", "'scripts/fleet up' puts it there") from None
    if code < 0:
        raise FleetError(f"{command[0]} was ended by signal {-code}", "run the same command again")
    return code


def run_status(tool: Tool, args: argparse.Namespace) -> int:
    fleet = tool.open()
    fleet.need_running()
    fleet.need_places("relay")
    workers, missing = _seen(fleet)
    for worker, why in missing.items():
        tool.terminal.say(f"{worker} can't be asked: {why}")
    if not workers:
        raise FleetError("no worker of relay answers", "'scripts/fleet doctor' looks for the reason")
    if getattr(args, "json", False):
        print(json.dumps({"workers": workers, "missing": sorted(missing)}, indent=2))
    else:
        print(report(workers))
    return 0


def run_audit(tool: Tool, args: argparse.Namespace) -> int:
    fleet = tool.open()
    fleet.need_running()
    fleet.need_places("relay")
    workers: dict[str, dict[str, Any]] = {}
    for service, path in _AUDITS.items():
        answers = of_each(fleet.workers(service), partial(_ask, fleet, path=path))
        workers.update({name: one for name, one in answers.items() if isinstance(one, dict)})
        for name, why in answers.items():
            if isinstance(why, str):
                tool.terminal.say(f"{name} can't be asked: {why}")
    if not workers:
        raise FleetError("nobody answers", "'scripts/fleet doctor' looks for the reason")
    if getattr(args, "json", False):
        print(json.dumps({"workers": workers, "consistent": nines(*_compared(workers))}, indent=2))
    else:
        print(audited(workers))
    return 0


def audited(workers: Mapping[str, Mapping[str, Any]]) -> str:
    """A table with a line for all of them, and what to do where nobody compares anything."""
    rows = [[name, *_audit_cells(one), _sweep(one), _last(one)] for name, one in workers.items()]
    together = {name: sum(int(one.get(name, 0)) for one in workers.values())
                for name in ("samples", "inconsistent", "changing", "failed")}
    lines = [table(_AUDIT_HEADER, [*rows, ["all", *_audit_cells(together), "", ""]], _AUDIT_RIGHT)]
    if not any(one.get("wanted") for one in workers.values()):
        lines += ["", 'nothing is compared: give a site "audit": {"per_second": 5} in the configuration']
    return "\n".join(lines)


def _audit_cells(one: Mapping[str, Any]) -> list[str]:
    samples, inconsistent = int(one.get("samples", 0)), int(one.get("inconsistent", 0))
    return [str(samples), str(inconsistent), nines(samples, inconsistent), str(one.get("changing", 0)),
            str(one.get("failed", 0))]


def _compared(workers: Mapping[str, Mapping[str, Any]]) -> tuple[int, int]:
    return (sum(int(one.get("samples", 0)) for one in workers.values()),
            sum(int(one.get("inconsistent", 0)) for one in workers.values()))


def nines(samples: int, inconsistent: int) -> str:
    """Per cent, with as many digits as so many samples can tell; more than that where none was inconsistent."""
    if samples <= 0:
        return "-"
    # As if the next one were.
    wrong = max(inconsistent, 1) / (samples + (inconsistent == 0))
    digits = max(0, math.ceil(-math.log10(wrong)) - 2)
    share = math.floor((1 - wrong) * 100 * 10 ** digits) / 10 ** digits
    return f"{'>' if inconsistent == 0 else ''}{share:.{digits}f}%"


def _sweep(one: Mapping[str, Any]) -> str:
    found = one.get("sweep")
    return f"{found['samples']} in {duration(found['seconds'])}" if isinstance(found, dict) else "-"


def _last(one: Mapping[str, Any]) -> str:
    found = one.get("last")
    if not isinstance(found, dict):
        return "-"
    at = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(found["at"]))
    return f"{printable(str(found['what']))} at {at}"


def run_rebuild(tool: Tool, args: argparse.Namespace) -> int:
    fleet = tool.open()
    fleet.need_running()
    fleet.need_places("relay")
    workers, _ = _seen(fleet)
    active = next((name for name, one in workers.items() if one.get("role") == "active"), None)
    if active is None:
        raise FleetError("no relay has the slot", "'scripts/fleet relay status' says why")
    names = [str(one.get("name")) for one in workers[active].get("views") or []]
    if args.view not in names:
        raise FleetError(f"there is no view {args.view}", f"the relay keeps {', '.join(names) or 'none'}")
    try:
        status, _ = post(fleet.layout.admin(active), f"/-/relay/rebuild/{args.view}")
    except (OSError, http.client.HTTPException) as error:
        raise FleetError(f"{active} can't be asked: {error}", "'scripts/fleet doctor' looks for the reason") from None
    if status != 202:
        raise FleetError(f"{args.view} is being filled, or a table that changes it does not fit",
                         "'scripts/fleet relay status' says which")
    tool.terminal.say(f"{active} recomputes {args.view}")
    return 0


def _seen(fleet: Fleet) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    """What the workers say, and why others say nothing."""
    answers = of_each(fleet.workers("relay"), lambda worker: _ask(fleet, worker))
    return ({worker: found for worker, found in answers.items() if isinstance(found, dict)},
            {worker: found for worker, found in answers.items() if isinstance(found, str)})


def _ask(fleet: Fleet, worker: str, path: str = "/-/relay") -> dict[str, Any] | str:
    try:
        status, body = get(fleet.layout.admin(worker), path)
        found = json.loads(body) if status == 200 else f"it answers {status}"
    except (OSError, http.client.HTTPException, ValueError) as error:
        return str(error)
    return found if isinstance(found, (dict, str)) else "its answer is no JSON object"


def report(workers: Mapping[str, Mapping[str, Any]]) -> str:
    """A table, what they follow, and why one follows nothing."""
    lines = [table(_HEADER, [_row(worker, one) for worker, one in workers.items()], _RIGHT)]
    sources = dict.fromkeys(_source(one) for one in workers.values())
    reasons = [f"{worker}: {printable(str(one['why']))}" for worker, one in workers.items() if one.get("why")]
    for more in (list(filter(None, sources)), reasons, _views(workers)):
        lines += ["", *more] if more else []
    return "\n".join(lines)


def _views(workers: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Of the relay that keeps them."""
    views = [one for worker in workers.values() for one in worker.get("views") or []]
    if not views:
        return []
    rows = [[printable(str(one.get(field, "-"))) for field in _VIEW_FIELDS] for one in views]
    return [table(_VIEWS_HEADER, rows, ("ENTRIES", "GENERATION")),
            *(f"{printable(str(one['name']))}: {printable(str(one['why']))}" for one in views if one.get("why"))]


def _row(worker: str, one: Mapping[str, Any]) -> list[str]:
    def shown(name: str) -> str:
        return "-" if one.get(name) is None else printable(str(one[name]))

    return [worker, shown("role"), shown("received"), shown("confirmed"), _size(one.get("lag_bytes")),
            _time(one.get("lag_ms")), *(shown(name) for name in _COUNTS), _size(one.get("wal_bytes"))]


def _source(one: Mapping[str, Any]) -> str:
    """Empty of one that has not reached a database."""
    if not one.get("source"):
        return ""
    names = (("slot", "slot {}"), ("publication", "publication {}"), ("source", "of {}"))
    return ", ".join(text.format(printable(str(one[name]))) for name, text in names if one.get(name) not in (None, ""))


def _size(count: Any) -> str:
    if not isinstance(count, (int, float)):
        return "-"
    amount = float(count)
    for unit in ("B", "KiB", "MiB"):
        if amount < 1024:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} GiB"


def _time(milliseconds: Any) -> str:
    if not isinstance(milliseconds, (int, float)):
        return "-"
    if milliseconds < 1000:
        return f"{milliseconds:g} ms"
    return f"{milliseconds / 1000:.1f} s" if milliseconds < 60_000 else duration(milliseconds / 1000)


def printable(text: str) -> str:
    """A server's own words: nothing in them may reach a terminal as a command."""
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in text)
