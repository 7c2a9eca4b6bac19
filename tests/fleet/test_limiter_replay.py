"""A part of a real access log, replayed live with the client's address as the key."""

from __future__ import annotations

import http.client
import json
from collections import Counter
from pathlib import Path

from access_log import addresses, needs_log

LINES = 3000
BUDGET = 60


@needs_log
def test_the_fleet_gives_the_verdicts_of_a_simple_count(make_fleet, tmp_path: Path) -> None:
    # The budget refills too slowly to matter while the test runs, so counting is the whole reference.
    config = tmp_path / "shoal.json"
    config.write_text(json.dumps({"redis": {"command_timeout": "5s"}, "services": {"limiter": {"rules": [
        {"name": "replay", "limit": BUDGET, "period": "1d"}]}}}))
    fleet = make_fleet()
    fleet.up("--workers", "2", "--config", str(config))
    seen: Counter[str] = Counter()
    connection = http.client.HTTPConnection("127.0.0.1", fleet.port, timeout=10)
    refused = 0
    for number, address in enumerate(addresses()[:LINES], 1):
        seen[address] += 1
        connection.request("POST", f"/v1/limits/replay/{address}")
        response = connection.getresponse()
        response.read()
        wanted = 200 if seen[address] <= BUDGET else 429
        refused += wanted == 429
        assert response.status == wanted, f"request {number}, the {seen[address]}. of {address}"
    connection.close()
    assert refused > 0, "the part replayed has nobody above the budget"
    fleet.destroy()
