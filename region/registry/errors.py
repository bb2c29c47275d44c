"""The error tree of the registry; drawn in `region/registry/__init__.py`."""

from __future__ import annotations

from collections.abc import Mapping


class RegistryError(Exception):
    """The registry could not do what was asked."""


class NotFound(RegistryError):
    """No such clinic, site, station, person or call."""


class Conflict(RegistryError):
    """There is one of that name already, or something still refers to it."""


class Invalid(RegistryError):
    """A value the registry does not take; the text says which and why."""


class Refused(Invalid):
    """A layer may not say that: `fields`, dotted path to reason. No value is repeated.

    `at` has the same for each station at which it cannot be, where that is known.
    """

    def __init__(self, fields: dict[str, str], at: Mapping[str, Mapping[str, str]] | None = None) -> None:
        super().__init__("; ".join(f"{path}: {why}" for path, why in fields.items()))
        self.fields = fields
        self.at = at or {}


class Unavailable(RegistryError):
    """The database cannot be reached, read or written."""
