"""The error tree of the desk; drawn in `region/desk/__init__.py`."""

from __future__ import annotations


class DeskError(Exception):
    """What a browser asked cannot be done. `code` is stable: the page finds its words by it."""

    status = 409

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class NoSuchCall(DeskError):
    """No running call of this id that this user may touch."""

    status = 404

    def __init__(self) -> None:
        super().__init__("no_such_call")


class Taken(DeskError):
    """Another clinician was first. `by` is that person's name, empty when it is not known."""

    def __init__(self, by: str = "") -> None:
        super().__init__("taken")
        self.by = by


class NotNow(DeskError):
    """The call or the station is in a state in which this cannot be done."""


class TooMany(DeskError):
    """A limit on calls, or on the messages of one call."""

    status = 429


class StationUnreachable(DeskError):
    """The broker, or the station, is away."""

    status = 503

    def __init__(self, code: str = "link_down") -> None:
        super().__init__(code)
