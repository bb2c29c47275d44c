"""The error tree of the region's own parts; drawn in `region/__init__.py`."""

from __future__ import annotations


class RegionError(Exception):
    """The region cannot start, or a command cannot be carried out; the text says what to do."""

    exit_code = 1


class PortTaken(RegionError):
    """Something else listens on a port that is needed."""

    exit_code = 2


class AlreadyServed(RegionError):
    """Another process serves what only one may."""

    exit_code = 2


class BrokerUnusable(RegionError):
    """mosquitto is not there, or does not start."""


class BrokenLog(RegionError):
    """The log of what was done is not as it was written."""


class Usage(RegionError):
    """What was asked on the command line does not fit together."""

    exit_code = 2
