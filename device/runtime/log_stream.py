"""A process's log, passed on to whoever watches it over the local socket."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterator
from typing import Literal

from messaging.local import LogLine

_MOST_TEXT = 2000
_Level = Literal["debug", "info", "warning", "error"]
_LEVELS: tuple[tuple[int, _Level], ...] = (
    (logging.ERROR, "error"),
    (logging.WARNING, "warning"),
    (logging.INFO, "info"),
    (logging.NOTSET, "debug"),
)


class LogStream(logging.Handler):
    """A handler that takes records from any thread and gives lines to `send` on the loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, send: Callable[[LogLine], None]) -> None:
        super().__init__()
        self._loop = loop
        self._send = send

    def emit(self, record: logging.LogRecord) -> None:
        """Pass the record on; after the loop has closed there is nobody to tell."""
        level = next((name for least, name in _LEVELS if record.levelno >= least)
        line = LogLine(level, record.name, record.getMessage()[:_MOST_TEXT], record.created)
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._send, line)

    @contextlib.contextmanager
    def attached(self) -> Iterator[None]:
        """While inside, the root logger's records come here too."""
        root = logging.getLogger()
        root.addHandler(self)
        try:
            yield
        finally:
            root.removeHandler(self)
