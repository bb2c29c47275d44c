"""Log lines that nobody can forge: what strangers wrote into a message stays within its line."""

from __future__ import annotations

import logging
import re

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


class OneLine(logging.Formatter):
    """As its base; control characters of a message are written as in Python's source. Tracebacks keep their lines."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the standard library's name
        """The message with all that stands around it."""
        return _CONTROL.sub(lambda found: ascii(found[0])[1:-1], super().formatMessage(record))
