"""A unit of systemd's as far as tests need it: what its lines say for one instance."""

from __future__ import annotations


class Unit:
    def __init__(self, text: str, instance: str) -> None:
        self._settings: dict[str, list[str]] = {}
        for line in text.replace("\\\n", "").splitlines():
            name, equals, value = line.partition("=")
            if equals and not line.startswith(("#", ";")):
                self._settings.setdefault(name, []).append(value.replace("%i", instance))

    def value(self, name: str) -> str:
        """Of a setting that stands there once."""
        value, = self._settings[name]
        return value

    def words(self, name: str) -> list[str]:
        return [word for value in self._settings.get(name, []) for word in value.split()]
