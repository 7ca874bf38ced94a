"""A table of names and the code behind them, imported when a name is used."""

from collections.abc import Mapping
from difflib import get_close_matches
from importlib import import_module
from typing import Generic, TypeVar, cast

from bitexte.errors import ConfigError

T = TypeVar("T")


class Registry(Generic[T]):
    """One family of plug-ins: `{"tmx": "tmx:write"}` is `write` in `<package>.tmx`."""

    def __init__(self, kind: str, package: str, entries: Mapping[str, str]) -> None:
        self.kind = kind
        self._package = package
        self._entries = dict(entries)

    def names(self) -> list[str]:
        """List the names, in the order of the table."""
        return list(self._entries)

    def check(self, name: str) -> str:
        """Return `name`; raise ConfigError, naming the nearest one, if it is not in the table."""
        if name not in self._entries:
            raise unknown(self.kind, name, self.names())
        return name

    def get(self, name: str) -> T:
        """Import and return what stands behind `name`; raise ConfigError if nothing does."""
        module, _, attribute = self._entries[self.check(name)].partition(":")
        return cast(T, getattr(import_module(f"{self._package}.{module}"), attribute))


def unknown(kind: str, name: str, known: list[str]) -> ConfigError:
    """Build the error for a name that is not in a table: the nearest one, or all of them."""
    near = get_close_matches(name, known, n=1)
    hint = f"did you mean '{near[0]}'?" if near else f"known: {', '.join(known)}"
    return ConfigError(f"unknown {kind} '{name}'", hint)
