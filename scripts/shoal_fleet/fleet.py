"""One fleet: its manifests, wanted state and folders, and the clients of what runs."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from . import account as accounts
from . import layout as layouts
from . import state as states
from .account import Account
from .errors import FleetError
from .haproxy_api import Runtime
from .journal import Journal
from .layout import Layout
from .manifest import Manifest, SiteFront
from .state import Place, State, worker_name
from .supervisor import Supervisor
from .terminal import Terminal


@dataclass
class Fleet:
    root: Path
    """The tree with services/, haproxy/, deploy/."""
    home: Path
    manifests: dict[str, Manifest]
    state: State
    account: Account
    layout: Layout
    terminal: Terminal
    journal: Journal
    timeout: float = 60.0
    supervisor: Supervisor = field(init=False)
    runtime: Runtime = field(init=False)

    def __post_init__(self) -> None:
        self._connect()

    def _connect(self) -> None:
        self.supervisor = Supervisor(self.layout.supervisor_socket)
        self.runtime = Runtime(self.layout.haproxy_socket)

    def save(self) -> None:
        states.save(self.home, self.state)

    def services(self) -> list[Manifest]:
        """The services that have places, in the order of their names."""
        return [self.manifest(name) for name in sorted(self.state.services)]

    def manifest(self, name: str) -> Manifest:
        try:
            return self.manifests[name]
        except KeyError:
            known = ", ".join(sorted(self.manifests)) or "none"
            raise FleetError(f"there is no service '{name}'; there is {known}",
                             f"a service is a folder of {self.root / 'services'} with a service.json") from None

    def places(self) -> list[tuple[Manifest, Place, str]]:
        """Every place with its worker's name."""
        return [(manifest, place, worker_name(manifest.name, place))
                for manifest in self.services() for place in self.state.services[manifest.name]]

    def place(self, worker: str) -> tuple[Manifest, Place]:
        """That of a worker that stays."""
        found = {name: (manifest, place) for manifest, place, name in self.places() if not place.leaving}
        if worker not in found:
            raise FleetError(f"there is no worker '{worker}'; there are {', '.join(found)}",
                             "'scripts/fleet status' shows them")
        return found[worker]

    def workers(self, service: str) -> list[str]:
        """The names of those that stay; `layout` knows the sockets of each."""
        return [worker_name(service, place) for place in self.state.staying(service)]

    def site_fronts(self) -> list[tuple[str, SiteFront, str]]:
        """Where HAProxy listens for the sites of services that stand before some: service, front, address."""
        fronts = [(manifest.name, manifest.site_front) for manifest in self.services()]
        return [(service, front, self.state.options.values.get(front.option, front.default))
                for service, front in fronts if front is not None]

    @property
    def ending_s(self) -> int:
        """Until whoever was told to drain has ended, and some to spare."""
        return self.state.options.drain_s + 30

    def running(self) -> bool:
        return self.state.up and self.supervisor.answers()

    def need_places(self, service: str) -> Manifest:
        """The manifest of a service that runs."""
        manifest = self.manifest(service)
        if not self.state.services.get(service):
            options = "".join(f", or {option.option}" for option in manifest.options if option.sets is not None)
            raise FleetError(f"service '{service}' is not run: it has nothing to do",
                             f"give 'scripts/fleet up' a configuration with $.services.{'.'.join(manifest.runs_with_field)}"
                             f"{options}" if manifest.runs_with else "'scripts/fleet up' runs it")
        return manifest

    def need_running(self) -> None:
        if not self.state.up:
            raise FleetError(f"no fleet is up in {self.home}", "start it with 'scripts/fleet up'")

    @property
    def url(self) -> str:
        return self._url(self.state.options.listen)

    def site_urls(self) -> dict[str, str]:
        return {service: self._url(address) for service, _, address in self.site_fronts()}

    def _url(self, address: str) -> str:
        return f"{'https' if self.state.options.tls_cert else 'http'}://{address}"


def open_fleet(root: Path, home: Path, manifests: dict[str, Manifest], terminal: Terminal, command: str,
               timeout: float) -> Fleet | None:
    """The fleet as its state file says, without touching anything. None when there is none."""
    state = states.load(home)
    if state is None:
        return None
    account = accounts.current()
    if account is None:
        raise FleetError(f"the system account '{accounts.SYSTEM_ACCOUNT}' is gone",
                         "'scripts/fleet up' creates it again")
    layout = Layout(home, Path(state.data), Path(state.run))
    return Fleet(root, home, manifests, state, account, layout, terminal, Journal(home, command), timeout)


def sketch_fleet(root: Path, home: Path, manifests: dict[str, Manifest], terminal: Terminal, command: str,
                 timeout: float) -> Fleet:
    """A fleet that is nowhere yet, to plan it."""
    account = accounts.current() or Account(accounts.SYSTEM_ACCOUNT, os.geteuid(), os.getegid())
    layout = Layout(home, home / "data", Path("/run") / f"shoal-{layouts.fingerprint(home)}")
    return Fleet(root, home, manifests, State(), account, layout, terminal, Journal(home, command), timeout)


def create_fleet(root: Path, home: Path, manifests: dict[str, Manifest], terminal: Terminal, command: str,
                 timeout: float) -> Fleet:
    """For `up`: the fleet with its account and folders made, whatever was there before. The lock is held."""
    state = states.load(home) or State()
    account = accounts.ensure()
    if state.account and state.account != account.name and state.up:
        raise FleetError(f"this fleet runs as '{state.account}', you would run it as '{account.name}'",
                         "use it as the user who started it, or give another --home")
    # A recorded data folder stays what it is: it holds Redis' files.
    data = Path(state.data) if state.data else layouts.choose_data(home, account)
    run = layouts.choose_run(home, account, Path(state.run) if state.run else None)
    layout = Layout(home, data, run)
    layouts.prepare(layout, account)
    state.account, state.data, state.run = account.name, str(data), str(run)
    return Fleet(root, home, manifests, state, account, layout, terminal, Journal(home, command), timeout)
