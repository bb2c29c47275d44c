"""The error tree of messages; drawn in `messaging/__init__.py`."""

from __future__ import annotations


class MessageError(Exception):
    """Something received is not a message we take. `code` is stable and safe to count and log."""

    code = "message"


class MalformedMessage(MessageError):
    """Not JSON, or a field is missing, of the wrong type, or out of bounds."""

    code = "malformed"


class OversizedMessage(MessageError):
    """Larger than the limit for its kind."""

    code = "oversized"


class UnknownVersion(MessageError):
    """An envelope of a version that we do not speak."""

    code = "unknown_version"


class StaleMessage(MessageError):
    """A replay, or older than what has been taken already."""

    code = "stale"
