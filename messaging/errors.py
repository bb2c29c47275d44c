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


class Unsigned(MessageError):
    """What has to be signed is not, or not in the one form that is taken."""

    code = "unsigned"


class ForeignWord(MessageError):
    """Signed for another station or purpose, or by somebody who does not speak for this station's region."""

    code = "foreign"


class AlteredWord(MessageError):
    """What was sent is not what was signed."""

    code = "altered"


class ExpiredWord(MessageError):
    """Its time has passed or has not come, or its signer's had when it was signed."""

    code = "expired"
