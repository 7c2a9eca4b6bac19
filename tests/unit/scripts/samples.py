"""Names that the tests of the scripts share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]

Document = dict[str, Any]
