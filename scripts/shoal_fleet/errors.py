"""Errors that end the tool, each with the exit code that the help documents and with what to do next."""

from __future__ import annotations

DONE = 0
FAILED = 1
USAGE = 2
MIDWAY = 3
TIMED_OUT = 4
LOCKED = 5
DRIFTED = 6

EXIT_CODES = """\
exit codes:
  0  done (also when there was nothing to do)
  1  failed; what had been begun was taken back
  2  usage: the command line is wrong, nothing was touched
  3  stopped midway; run the same command again and it goes on from there
  4  time-out: the wanted state is recorded, the fleet still works on it
  5  locked: another scripts/fleet is changing this fleet
  6  drift: what runs is not what is wanted (only 'status --check')"""


class FleetError(Exception):
    """Something failed. `hint` is the next step, for the person who reads it."""

    code = FAILED

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(FleetError):
    code = USAGE


class StoppedMidway(FleetError):
    code = MIDWAY


class TimedOut(FleetError):
    code = TIMED_OUT


class Locked(FleetError):
    code = LOCKED
