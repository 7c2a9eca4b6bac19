"""Django, started on a port of its own, and somebody who edits its pages in a browser."""

from __future__ import annotations

import http.cookiejar
import re
import subprocess
import sys
import urllib.parse
import urllib.request
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Iterator

import pytest

from protected_site import listens
from shoal_cli import eventually, free_port

needs_django = pytest.mark.skipif(find_spec("django") is None, reason="needs python3-django (scripts/bootstrap test)")

EDITOR, PASSWORD = "editor", "a password of a test"


@contextmanager
def django(folder: Path, *postgres: Path) -> Iterator[int]:
    """Its port. The database is in `folder`, or on the PostgreSQL whose socket is there."""
    port = free_port()
    project = Path(__file__).with_name("django_project.py")
    with open(folder / "django.log", "wb") as log:
        process = subprocess.Popen([sys.executable, project, folder, str(port), EDITOR, PASSWORD, *postgres],
                                   stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            eventually(lambda: process.poll() is not None or listens(port), 60, "Django serves")
            assert process.poll() is None, (folder / "django.log").read_text()
            yield port
        finally:
            process.terminate()
            process.wait(20)


class Browser:
    """Keeps cookies and follows redirects."""

    def __init__(self, base: str) -> None:
        self._base = base
        self._cookies = http.cookiejar.CookieJar()
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}),
                                                   urllib.request.HTTPCookieProcessor(self._cookies))

    def get(self, path: str) -> str:
        return self.open(path)[1]

    def open(self, path: str, form: dict[str, str] | None = None) -> tuple[dict[str, str], str]:
        data = None if form is None else urllib.parse.urlencode(form).encode()
        with self._opener.open(self._base + path, data, timeout=20) as answer:
            return {name.lower(): value for name, value in answer.headers.items()}, answer.read().decode()

    def submit(self, path: str, **fields: str) -> str:
        """The form at `path`, with Django's token against forged ones."""
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', self.get(path))
        assert token, f"no form at {path}"
        return self.open(path, {"csrfmiddlewaretoken": token[1], **fields})[1]

    def log_in(self) -> None:
        assert "Log out" in self.submit("/admin/login/?next=/admin/", username=EDITOR, password=PASSWORD)

    def edit(self, number: int, url: str, title: str, content: str) -> None:
        """A page, in Django's admin, by the number of its row."""
        told = self.submit(f"/admin/flatpages/flatpage/{number}/change/", url=url, title=title, content=content,
                           sites="1")
        assert "was changed successfully" in told
