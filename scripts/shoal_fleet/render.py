"""Every file of a fleet's conf folder, as a function of its state; checked before it replaces what is there."""

from __future__ import annotations

import hashlib
import os
import resource
import shutil
import subprocess
from pathlib import Path

from . import config, haproxy_config, postgres, scraping, sections, supervisor_config
from .errors import FleetError
from .files import private_folder, sync_folder, write_if_changed
from .fleet import Fleet
from .haproxy_config import Balancer, ServerLine
from .layout import fingerprint
from .state import worker_name

_MAX_DESCRIPTORS = 1 << 16
_L2_BYTES = 256 << 20


def descriptors() -> int:
    """How many files a process of the fleet may open."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return _MAX_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, _MAX_DESCRIPTORS)


def server_lines(fleet: Fleet) -> dict[str, list[ServerLine]]:
    """Those that stay, by backend. A front for sites has the same ids as the service's own: both rings are the same."""
    found: dict[str, list[ServerLine]] = {}
    for manifest in fleet.services():
        for backend in manifest.backends:
            socket = fleet.layout.public if backend == manifest.name else fleet.layout.site
            found[backend] = [ServerLine(name, place.id, socket(name), fleet.layout.admin(name),
                                         0 if place.drained else place.weight)
                              for place in fleet.state.staying(manifest.name)
                              for name in [worker_name(manifest.name, place)]]
    return found


def haproxy(fleet: Fleet, conf: Path, tls: bytes | None) -> bytes:
    """As it stands in the folder `conf`."""
    options = fleet.state.options
    return haproxy_config.render(Balancer(
        templates=fleet.root / "haproxy",
        conf=conf,
        stats_socket=fleet.layout.haproxy_socket,
        listen=options.listen,
        admin_listen=options.admin_listen,
        descriptors=descriptors(),
        manifests=fleet.services(),
        servers=server_lines(fleet),
        sites={service: address for service, _, address in fleet.site_fronts()},
        trusted={service: sections.trusted_proxies(fleet.state.config, service, front)
                 for service, front, _ in fleet.site_fronts()},
        tls_cert=conf / "tls.pem" if tls is not None else None,
        tls_digest=hashlib.sha256(tls).hexdigest() if tls is not None else "",
        random_routing=options.routing == "random",
        hot_key_rate=options.hot_key_rate,
        hard_stop_s=fleet.ending_s,
    ))


def _certificate(fleet: Fleet) -> bytes | None:
    file = fleet.state.options.tls_cert
    if file is None:
        return None
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise FleetError(f"--tls-cert {file}: can't be read: {error.strerror}",
                         "give a PEM file with the certificate, its chain and its key") from None


def programs(fleet: Fleet) -> dict[str, bytes]:
    """The file of every program that supervisord should have, by the program's name."""
    templates, layout = fleet.root / "deploy" / "supervisord", fleet.layout
    found = {"haproxy": supervisor_config.haproxy(templates, layout),
             "keeper": supervisor_config.keeper(templates, layout),
             "rotate": supervisor_config.rotate(templates, layout)}
    for instance in own_redis(fleet):
        found[f"redis-{instance}"] = supervisor_config.redis(templates, layout, instance)
    if fleet.state.own_postgres:
        found["postgres"] = supervisor_config.postgres(templates, layout, postgres.programs(layout) / "postgres")
    for _, place, worker in fleet.places():
        for program in filter(None, (place.program, place.next)):
            name = program.name(worker)
            found[name] = supervisor_config.worker(templates, layout, name, worker, program.command, program.drain_s)
    return found


def own_redis(fleet: Fleet) -> list[str]:
    """The Redis instances to run: those that new workers will use, and those that running ones still do."""
    instances = set(config.own_redis(fleet.state.config, {manifest.name: manifest for manifest in fleet.services()}))
    for _, place, _ in fleet.places():
        for program in filter(None, (place.program, place.next)):
            instances |= {word.removeprefix("--redis-") for word in program.command if word.startswith("--redis-")}
    return sorted(instances)


def redis_memory(fleet: Fleet, instance: str) -> int:
    """What is kept because it can be had again takes what it is given; the truth may take half of the machine."""
    given = config.redis_memory(fleet.state.config, instance)
    half = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
    return given or (half if instance == "state" else min(_L2_BYTES, half))


def files(fleet: Fleet, conf: Path) -> dict[str, bytes]:
    """By their path in the folder `conf`, where HAProxy's configuration says that its pages are."""
    templates, layout = fleet.root / "deploy" / "supervisord", fleet.layout
    tls = _certificate(fleet)
    balancing = haproxy(fleet, conf, tls)
    workers = {manifest.name: fleet.workers(manifest.name) for manifest in fleet.services()}
    found = {
        "config.json": config.render(sections.with_secrets(fleet), fleet.state.config_version,
                                     {name: len(fleet.workers(name)) for name in sorted(fleet.state.services)}),
        "haproxy.cfg": balancing,
        haproxy_config.METRICS: (fleet.root / "haproxy" / haproxy_config.METRICS).read_bytes(),
        scraping.TARGETS: scraping.targets(fleet.state.options.admin_listen, workers, own_redis(fleet)),
        scraping.WANTED: scraping.wanted(fleet.state.config_version, haproxy_config.description(balancing),
                                         server_lines(fleet)),
        "supervisord.conf": supervisor_config.supervisord(
            templates, layout, f"shoal-{fingerprint(fleet.home)}"),
        supervisor_config.KEEPER: (templates / supervisor_config.KEEPER).read_bytes(),
        "logrotate.conf": supervisor_config.logrotate(templates, layout),
    }
    for page in (fleet.root / "haproxy" / "errors").glob("*.json"):
        found[f"errors/{page.name}"] = page.read_bytes()
    if tls is not None:
        found["tls.pem"] = tls
    for instance in own_redis(fleet):
        found[f"redis-{instance}.conf"] = supervisor_config.redis_config(fleet.root / "deploy" / "redis", layout,
                                                                         instance, redis_memory(fleet, instance))
    if fleet.state.own_postgres:
        found |= supervisor_config.postgres_config(fleet.root / "deploy" / "postgres", layout)
    for name, content in programs(fleet).items():
        found[f"programs/{name}.conf"] = content
    return found


def write(fleet: Fleet) -> bool:
    """Makes the conf folder as the state says, and nothing else. Returns whether anything was changed."""
    wanted = files(fleet, fleet.layout.conf)
    if not _differs(fleet.layout.conf, wanted):
        return False
    check(fleet)
    _put(fleet, fleet.layout.conf, wanted)
    for stale in _stale(fleet.layout.conf, wanted):
        stale.unlink()
    sync_folder(fleet.layout.programs)
    return True


def check(fleet: Fleet) -> None:
    """Lets HAProxy read what it would be given, from a folder beside the real one."""
    trial = fleet.layout.data / "conf.trial"
    shutil.rmtree(trial, ignore_errors=True)
    private_folder(trial, 0o750 if fleet.account.foreign else 0o700, -1, fleet.account.gid)
    try:
        _put(fleet, trial, files(fleet, trial))
        result = subprocess.run(["/usr/sbin/haproxy", "-c", "-f", str(trial / "haproxy.cfg")], capture_output=True,
                                text=True, errors="replace", cwd="/", **fleet.account.popen_arguments())
    except FileNotFoundError:
        raise FleetError("HAProxy is not installed", "scripts/bootstrap run") from None
    finally:
        shutil.rmtree(trial, ignore_errors=True)
    if result.returncode != 0:
        lines = [line for line in result.stderr.splitlines() if "[ALERT]" in line] or [result.stderr.strip()]
        raise FleetError("HAProxy refuses its configuration\n" + "\n".join(f"  {line}" for line in lines),
                         "nothing was changed; see the option or manifest that the message is about")


def _put(fleet: Fleet, conf: Path, wanted: dict[str, bytes]) -> None:
    shared = fleet.account.foreign
    for folder in ("errors", "programs"):
        private_folder(conf / folder, 0o750 if shared else 0o700, -1, fleet.account.gid)
    for name, content in wanted.items():
        write_if_changed(conf / name, content, 0o640 if shared else 0o600, fleet.account.gid if shared else -1)


def _stale(conf: Path, wanted: dict[str, bytes]) -> list[Path]:
    present = (path for path in conf.rglob("*") if path.is_file())
    return [path for path in present if str(path.relative_to(conf)) not in wanted]


def _differs(conf: Path, wanted: dict[str, bytes]) -> bool:
    if _stale(conf, wanted):
        return True
    try:
        return any((conf / name).read_bytes() != content for name, content in wanted.items())
    except FileNotFoundError:
        return True
