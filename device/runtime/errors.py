"""The root of the station's errors; each package below draws its own branch in its `__init__`."""

from __future__ import annotations


class StationError(Exception):
    """Something the station cannot do. The text says what happened and what to do, for a log or a terminal."""


class ConfigError(StationError):
    """The station's configuration cannot be used."""


class BusError(StationError):
    """Something that was asked of the system's message bus did not come about."""


class BusAway(BusError):
    """Nobody answers there."""


class BusMalformed(BusError):
    """What came is no message."""


class BusRefused(BusError):
    """The service that was asked refuses. `name` is its word for the error, `text` what it says of it."""

    def __init__(self, name: str, text: str) -> None:
        super().__init__(f"{name}: {text}")
        self.name = name
        self.text = text
