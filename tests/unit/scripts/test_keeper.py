"""The keeper of supervisord, where no fleet is needed to see it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

KEEPER = Path(__file__).resolve().parents[3] / "deploy" / "supervisord" / "keeper.py"

# A session whose leader starts a keeper and has ended before that looks for its parent.
LEADER = f"""
import os, subprocess, sys
os.setsid()
ready, go = os.pipe()
child = os.fork()
if child == 0:
    os.close(go)
    os.read(ready, 1)
    os.execv("/usr/bin/python3", ["/usr/bin/python3", "-I", {str(KEEPER)!r}, *sys.argv[1:]])
"""


def test_a_parent_that_has_ended_already_is_taken_for_nobody_else(tmp_path: Path) -> None:
    leader = subprocess.Popen([sys.executable, "-c", LEADER, str(tmp_path / "conf"), str(tmp_path / "run")],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    # The pipe ends with the keeper: it has no fleet to recover, so it is done. Init would be watched for ever.
    said, _ = leader.communicate(timeout=20)
    assert leader.returncode == 0 and said == ""
