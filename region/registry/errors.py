"""The error tree of the registry; drawn in `region/registry/__init__.py`."""

from __future__ import annotations


class RegistryError(Exception):
    """The registry could not do what was asked."""


class NotFound(RegistryError):
    """No such clinic, site, station, person or call."""


class Conflict(RegistryError):
    """There is one of that name already, or something still refers to it."""


class Invalid(RegistryError):
    """A value the registry does not take; the text says which and why."""


class Unavailable(RegistryError):
    """The database cannot be reached, read or written."""
