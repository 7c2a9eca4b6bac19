"""How soon a COMMIT is purged everywhere, how much a relay bears, and what that costs the database and the fleet."""

from __future__ import annotations

import json
import os
import statistics
import threading
import time
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Iterator, Sequence

from . import caches, cpu
from .applied import Observer, Redis, first_appearances, latencies
from .database import Database, Load, lsn
from .figures import Figure
from .servers import ask, running

NAMES = ("latency", "rows", "overhead", "fanout", "catchup")

_WORKERS = 8
_FANOUT = (1, 2, 4, 8)
_RATE = 500
_ROWS = 100_000
_SCHEMA = f"""
CREATE TABLE bench (id int PRIMARY KEY, n int NOT NULL) WITH (fillfactor = 50);
INSERT INTO bench SELECT n, 0 FROM generate_series(1, {_ROWS}) n;
VACUUM ANALYZE bench;
CREATE PUBLICATION shoal FOR TABLE bench;
CREATE TABLE outbox (id bigserial PRIMARY KEY, tag text NOT NULL);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO outbox (tag) VALUES ('bench:' || NEW.id);
    PERFORM pg_notify('outbox', '');
    RETURN NULL;
END $$;
"""
_RULES = [{"table": "bench", "tags": ["bench:{id}"]}]
_ONE_ROW = f"\\set id random(1, {_ROWS})\nUPDATE bench SET n = n + 1 WHERE id = :id;\n"
# Each client in rows of its own.
_MANY = 30
_MANY_ROWS = (f"\\set first :client_id * {_ROWS // 8} + random(1, {_ROWS // 8 - _MANY})\n"
              f"UPDATE bench SET n = n + 1 WHERE id BETWEEN :first AND :first + {_MANY - 1};\n")
# Few enough for pgbench's scripts, of which each has a row.
_LATENCY_ROWS = 100
_WANTED_MS = {50: 3.0, 99: 20.0}
_WANTED_ROWS = 30_000
_WANTED_CATCHUP = 10.0
# The slot counts as not growing when what it keeps at the end is less than so much of the load's time.
_SETTLED_S = 0.5

Table = tuple[str, str, list[Figure]]


class Field:
    """A database, the two Redis, and 8 caches. A relay when it is asked for."""

    def __init__(self, folder: Path, binaries: Path, cores: Sequence[int]) -> None:
        self._folder, self._binaries, self._cores = folder, binaries, cores
        self._stack = ExitStack()
        self._config = folder / "relay.json"
        self.workers: list[int] = []
        self.relay = 0

    def __enter__(self) -> "Field":
        enter = self._stack.enter_context
        self.redises = enter(caches.Redises(self._folder, None, durable=True))
        self.database = enter(Database(self._folder))
        self.database.sql(_SCHEMA)
        self._config.write_text(json.dumps({"services": {"relay": {"postgres": self.database.dsn, "rules": _RULES}}}))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @contextmanager
    def caches(self, count: int) -> Iterator[None]:
        with ExitStack() as stack:
            self.workers = [pid for number in range(1, count + 1) for pid in stack.enter_context(caches.worker(
                self._folder, self._binaries / "shoal-cache", self.redises, 1, None, number, "1mb"
            )).server.processes["worker"]]
            yield
        self.workers = []

    @contextmanager
    def relayed(self) -> Iterator[None]:
        """From when it has the slot until it has ended; the slot stays."""
        admin = self._folder / "relay.admin"
        command = [str(self._binaries / "shoal-relay"), "--name", "relay-1", "--generation", "1",
                   "--config", str(self._config), "--listen", f"unix:{self._folder / 'relay.api'}",
                   "--admin", f"unix:{admin}", "--redis-state", f"unix:{self.redises.state}"]
        with running(command, "the relay", lambda _: self.standing().get("role") == "active",
                     self._folder / "relay.log") as self.relay:
            yield

    def standing(self) -> dict[str, Any]:
        status, body = ask(self._folder / "relay.admin", "/-/relay")
        return dict(json.loads(body)) if status == 200 else {}

    def wait_done(self, position: int, seconds: float = 120) -> float:
        """Seconds until everything before that position is purged, and purged again."""
        begun = time.monotonic()
        while lsn((found := self.standing()).get("received", "0/0")) < position or found["open_transactions"]:
            if time.monotonic() - begun > seconds:
                raise RuntimeError(f"the relay is not done after {seconds} s: {found}")
            time.sleep(0.005)
        return time.monotonic() - begun

    def drop_slot(self) -> None:
        until = time.monotonic() + 10
        query = "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots"
        while True:
            try:
                self.database.sql(query)
                return
            except RuntimeError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.05)

    def cpu(self) -> dict[str, int]:
        """Nanoseconds so far."""
        relay = [self.relay] if self.relay and Path(f"/proc/{self.relay}").exists() else []
        return {"postgres": self.database.cpu_ns(),
                **cpu.total_ns({"relay": relay, "redis": self.redises.pids[:1], "worker": self.workers})}

    @contextmanager
    def database_alone_on_a_core(self) -> Iterator[None]:
        """With what loads it; all else on the others. What it starts later stays there."""
        if len(self._cores) < 2:
            yield
            return
        everything = set(self._cores)
        mine = os.sched_getaffinity(0)
        others = [self.relay, *self.redises.pids, *self.workers]
        try:
            _pin([0, *self.database.processes()], {self._cores[0]})
            _pin(others, everything - {self._cores[0]})
            yield
        finally:
            _pin([0], mine)
            _pin([*self.database.processes(), *others], everything)


def _pin(pids: Sequence[int], cores: set[int]) -> None:
    for pid in pids:
        for task in Path(f"/proc/{pid or 'self'}/task").glob("*"):
            with suppress(OSError):
                os.sched_setaffinity(int(task.name), cores)


def tables(field: Field, chosen: Callable[[str], bool], rounds: int, seconds: int,
           say: Callable[[str], None]) -> list[Table]:
    """Name, what the ratios are to, and figures of each; the last has what is wanted."""
    found: list[Table] = []
    wanted: list[Figure] = []
    if any(map(chosen, ("latency", "rows", "catchup"))):
        with field.caches(_WORKERS), field.relayed():
            if chosen("latency"):
                say("latency")
                wanted += latency(field, seconds)
            if chosen("rows"):
                say("rows")
                wanted += rows(field, seconds)
    if chosen("catchup"):
        with field.caches(_WORKERS):
            say("catchup")
            wanted += catching_up(field, seconds)
    if chosen("overhead"):
        found.append(("overhead", "to nothing", overhead(field, rounds, seconds, say)))
    if chosen("fanout"):
        found.append(("fanout", "to 1 worker", fan_out(field, rounds, seconds, say)))
    return [*found, ("wanted", "reached", wanted)] if wanted else found


def latency(field: Field, seconds: int) -> list[Figure]:
    """From the answer to COMMIT, at pgbench, until the last worker has told Redis that it has applied the purge."""
    with Redis(field.redises.state) as redis:
        before = redis.last()
        scripts = [f"UPDATE bench SET n = n + 1 WHERE id = {row + 1};\n" for row in range(_LATENCY_ROWS)]
        field.database.sql("".join(scripts))
        field.wait_done(field.database.position())
        buckets = first_appearances(redis.entries(before))
    if len(buckets) != _LATENCY_ROWS:
        raise RuntimeError(f"{_LATENCY_ROWS} rows have {len(buckets)} buckets")
    with Observer(field.redises.state, _WORKERS) as observer:
        load = field.database.load(scripts, seconds, rate=_RATE, log=True)
        field.wait_done(field.database.position())
        time.sleep(0.2)
    took = latencies(field.database.commits(), buckets, observer.entries, observer.seen)
    return latency_figures([each * 1000 for each in took], load)


def latency_figures(took_ms: list[float], load: Load) -> list[Figure]:
    """As ratios to what is wanted of them."""
    each = statistics.quantiles(took_ms, n=100)
    return [Figure(f"COMMIT to {_WORKERS} workers p{part} {each[part - 1]:.1f} ms, to {wanted:.0f} ms; "
                   f"{len(took_ms):,} of {load.transactions:,}", each[part - 1] / wanted, wanted=1.0, rate=load.rate)
            for part, wanted in _WANTED_MS.items()]


def rows(field: Field, seconds: int) -> list[Figure]:
    """At the rate that is wanted: what of it is relayed when it ends, and what the slot still has."""
    field.wait_done(field.database.position())
    first, relayed = field.database.position(), field.standing()["rows"]
    load = field.database.load([_MANY_ROWS], seconds, rate=_WANTED_ROWS // _MANY)
    last, done = field.database.position(), field.standing()
    field.wait_done(last)
    took = load.transactions / load.rate
    rate, written = (done["rows"] - relayed) / took, load.rate * _MANY
    behind = (last - min(lsn(done["received"]), last)) / (last - first) * took
    # pgbench itself keeps to its rate on average only.
    return [Figure(f"rows a second relayed {rate:,.0f} of {written:,.0f} written, to {_WANTED_ROWS:,}",
                   rate / _WANTED_ROWS, wanted=0.95, at_least=True, rate=load.rate),
            Figure(f"behind at the end {behind * 1000:,.0f} ms of the load, to {_SETTLED_S * 1000:,.0f} ms",
                   behind / _SETTLED_S, wanted=1.0, rate=load.rate)]


def catching_up(field: Field, seconds: int) -> list[Figure]:
    """Commits made without a relay, from when one has the slot until all of them are done."""
    with field.relayed():
        field.wait_done(field.database.position())
    at_rate = _caught_up(field, _ONE_ROW, seconds, _RATE)
    most = _caught_up(field, _ONE_ROW, seconds, None)
    most_rows = _caught_up(field, _MANY_ROWS, seconds, None)
    return [Figure(f"catching up {at_rate.commits:,} commits of {at_rate.made_in:.1f} s in {at_rate.took:.2f} s, to "
                   f"{_WANTED_CATCHUP:.0f} x real time", at_rate.made_in / at_rate.took / _WANTED_CATCHUP, wanted=1.0,
                   at_least=True, rate=at_rate.rate),
            Figure(f"the same of {most.commits:,} commits, as many as could be made", most.made_in / most.took,
                   rate=most.rate),
            Figure(f"rows a second at most {most_rows.rate * _MANY:,.0f}, to {_WANTED_ROWS:,}",
                   most_rows.rate * _MANY / _WANTED_ROWS, wanted=1.0, at_least=True, rate=most_rows.rate)]


@dataclass(frozen=True)
class CaughtUp:
    commits: int
    made_in: float
    took: float

    @property
    def rate(self) -> float:
        """Commits a second."""
        return self.commits / self.took


def _caught_up(field: Field, script: str, seconds: int, rate: int | None) -> CaughtUp:
    load = field.database.load([script], seconds, rate=rate)
    position = field.database.position()
    with field.relayed():
        took = field.wait_done(position)
    return CaughtUp(load.transactions, load.transactions / load.rate, took)


def overhead(field: Field, rounds: int, seconds: int, say: Callable[[str], None]) -> list[Figure]:
    """CPU of all of PostgreSQL's processes per transaction of one row, and how many it makes on a core that it shares
    with what loads it alone."""
    cases = {"nothing": _plain, "relay": _relay, "trigger, NOTIFY, outbox": _outbox}
    samples: dict[str, list[tuple[float, float]]] = {name: [] for name in cases}
    with field.caches(_WORKERS):
        for number in range(rounds):
            for name, case in cases.items():
                say(f"round {number + 1} of {rounds}: overhead, {name}")
                with case(field), field.database_alone_on_a_core():
                    field.database.load([_ONE_ROW], 1)
                    before = field.cpu()
                    load = field.database.load([_ONE_ROW], seconds)
                    used = (field.cpu()["postgres"] - before["postgres"]) / 1000 / load.transactions
                    samples[name].append((used, load.rate))
    middle = {name: (statistics.median(one for one, _ in each), statistics.median(rate for _, rate in each))
              for name, each in samples.items()}
    base_us, base_rate = middle["nothing"]
    figures = [Figure(f"{name}: PostgreSQL's CPU", used / base_us, {"postgres": used}, used, rate=rate)
               for name, (used, rate) in middle.items()]
    return figures + [Figure(f"{name}: transactions a second", rate / base_rate, rate=rate)
                      for name, (_, rate) in middle.items() if name != "nothing"]


@contextmanager
def _plain(_: Field) -> Iterator[None]:
    yield


@contextmanager
def _relay(field: Field) -> Iterator[None]:
    with field.relayed():
        yield
    field.drop_slot()


@contextmanager
def _outbox(field: Field) -> Iterator[None]:
    """A trigger notes what was changed, and one consumer is told, looks and empties it."""
    field.database.sql("CREATE TRIGGER note AFTER UPDATE ON bench FOR EACH ROW EXECUTE FUNCTION note()")
    over, session = threading.Event(), field.database.session()

    def consume() -> None:
        assert session.stdin is not None
        session.stdin.write("LISTEN outbox;\n")
        while not over.wait(0.01):
            session.stdin.write("DELETE FROM outbox RETURNING tag;\n")
            session.stdin.flush()
        session.stdin.close()

    consumer = threading.Thread(target=consume)
    consumer.start()
    try:
        yield
    finally:
        over.set()
        consumer.join()
        session.wait(60)
        field.database.sql("DROP TRIGGER note ON bench; TRUNCATE outbox")


def fan_out(field: Field, rounds: int, seconds: int, say: Callable[[str], None]) -> list[Figure]:
    """CPU per transaction of one row, at the rate of the latency."""
    found: dict[int, list[dict[str, float]]] = {count: [] for count in _FANOUT}
    with field.relayed():
        for number in range(rounds):
            for count in _FANOUT:
                say(f"round {number + 1} of {rounds}: fanout, workers: {count}")
                with field.caches(count):
                    field.database.load([_ONE_ROW], 1, rate=_RATE)
                    before = field.cpu()
                    load = field.database.load([_ONE_ROW], seconds, rate=_RATE)
                    found[count].append(cpu.per_request_us(before, field.cpu(), load.transactions))
    middle = {count: {name: statistics.median(one[name] for one in each) for name in ("worker", "redis", "relay")}
              for count, each in found.items()}
    base = sum(middle[_FANOUT[0]].values())
    return [Figure(f"workers: {count}", sum(used.values()) / base, used, sum(used.values()), rate=float(_RATE))
            for count, used in middle.items()]
