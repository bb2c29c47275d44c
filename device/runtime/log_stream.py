"""A process's log, streamed to those who watch it on its local socket."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Iterator
from typing import Literal

from messaging.link.local import LocalServer
from messaging.local import LogLine

_MOST_TEXT = 2000
_LEVELS: tuple[tuple[int, Literal["error", "warning", "info"]], ...] = (
    (logging.ERROR, "error"), (logging.WARNING, "warning"), (logging.INFO, "info"),
)  # fmt: skip


class _Handler(logging.Handler):
    def __init__(self, server: LocalServer, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._server = server
        self._loop = loop

    def emit(self, record: logging.LogRecord) -> None:
        if not self._server.watched("log"):
            return
        level: Literal["debug", "info", "warning", "error"] = next(
            (word for number, word in _LEVELS if record.levelno >= number), "debug"
        )
        text = self.format(record).replace("\x00", "")[:_MOST_TEXT]
        line = LogLine(level, record.name, text, record.created)
        # Any thread may log; the sockets belong to the loop, which may have closed by then.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._server.stream, "log", line)


@contextlib.contextmanager
def streaming_log(server: LocalServer) -> Iterator[None]:
    """Inside, every log line of this process also goes to the server's watchers."""
    handler = _Handler(server, asyncio.get_running_loop())
    logging.getLogger().addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)
