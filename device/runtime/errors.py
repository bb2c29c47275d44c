"""The root of the station's errors; each package below draws its own branch in its `__init__`."""

from __future__ import annotations


class StationError(Exception):
    """Something the station cannot do. The text says what happened and what to do, for a log or a terminal."""


class ConfigError(StationError):
    """The station's configuration cannot be used."""
