"""Load by wrk (Debian's package), and how many requests it got answered."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

# POST for one of many keys of rule `bulk`, so that the ring spreads them; with one key all go to its owner.
POST_KEYS = """
local count = %d
local number = 0
request = function()
   number = number + 1
   return wrk.format("POST", "/v1/limits/bulk/bench-" .. (number %% count))
end
"""


@dataclass(frozen=True)
class Load:
    requests: int
    failed: int
    seconds: float

    @property
    def rate(self) -> float:
        return self.requests / self.seconds


def parse(output: str) -> Load:
    """Reads wrk's report. Raises ValueError when it is not one."""
    found = re.search(r"(\d+) requests in ([\d.]+)(ms|s|m)", output)
    if found is None:
        raise ValueError(f"not a report of wrk: {output[:200]!r}")
    unit = {"ms": 0.001, "s": 1.0, "m": 60.0}[found[3]]
    failed = sum(int(number) for number in re.findall(r"Non-2xx or 3xx responses: (\d+)", output))
    errors = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", output)
    if errors is not None:
        failed += sum(int(number) for number in errors.groups())
    return Load(int(found[1]), failed, float(found[2]) * unit)


def run(url: str, connections: int, seconds: int, script: Path | None = None) -> Load:
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s"]
    if script is not None:
        command += ["-s", str(script)]
    done = subprocess.run([*command, url], capture_output=True, text=True, timeout=seconds + 30, check=True)
    return parse(done.stdout)
