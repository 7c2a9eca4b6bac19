"""What ends scripts/loadtest with a message."""

from __future__ import annotations

FAILED = 1
USAGE = 2


class LoadError(Exception):
    def __init__(self, message: str, code: int = FAILED) -> None:
        super().__init__(message)
        self.code = code
