"""A station's local sockets: one server for each process that owns a state, any number of clients.

A client that reads too slowly is dropped, and so is one that sends what is not a message: neither may cost the call
anything.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from messaging.clock import Clock
from messaging.errors import MessageError
from messaging.local import MAX_LINE, AgentView, CallView, Levels, LogLine, Message, Watch, from_line, to_line

_log = logging.getLogger(__name__)
_MOST_BUFFERED = 256 * 1024
_MOST_CLIENTS = 16
_RETRY_S = 0.2

Reply = Callable[[Message], None]
Stream = Literal["log", "levels"]


class LocalServer:
    """Serves one process's view on a Unix socket (mode 0660) and hands it the clients' commands."""

    def __init__(self, path: Path, on_message: Callable[[Message, Reply], None]) -> None:
        self._path = path
        self._on_message = on_message
        self._server: asyncio.Server | None = None
        self._clients: dict[asyncio.StreamWriter, set[Stream]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._view: CallView | AgentView | None = None

    async def start(self) -> None:
        """Listen, taking the place of a dead predecessor's socket."""
        self._path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._serve, self._path, limit=MAX_LINE)
        os.chmod(self._path, 0o660)  # noqa: PTH101 - the group is the technician's

    async def stop(self) -> None:
        """Drop the clients and remove the socket."""
        if self._server is None:
            return
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()
        self._server = None
        self._path.unlink(missing_ok=True)

    def show(self, view: CallView | AgentView) -> None:
        """Tell everyone the view if it is news, and each newcomer."""
        if view != self._view:
            self._view = view
            for writer in list(self._clients):
                self._send(writer, view)

    def stream(self, name: Stream, message: Levels | LogLine) -> None:
        """Tell those who watch."""
        for writer, streams in list(self._clients.items()):
            if name in streams:
                self._send(writer, message)

    def watched(self, name: Stream) -> bool:
        """Whether anyone watches, so that nothing is measured for nobody."""
        return any(name in streams for streams in self._clients.values())

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None or len(self._clients) >= _MOST_CLIENTS:
            writer.close()
            return
        self._tasks.add(task)
        self._clients[writer] = set()
        try:
            if self._view is not None:
                self._send(writer, self._view)
            async for line in reader:
                self._take(line, writer)
        except (MessageError, ValueError, ConnectionError) as error:
            _log.warning("a local client was dropped: %s", error)
        except asyncio.CancelledError:
            pass  # stop() ends this task, and asyncio's server would log a cancelled one as an error
        finally:
            self._clients.pop(writer, None)
            self._tasks.discard(task)
            writer.close()

    def _take(self, line: bytes, writer: asyncio.StreamWriter) -> None:
        message = from_line(line)
        if isinstance(message, Watch):
            self._clients[writer].add(message.stream)
        else:
            self._on_message(message, lambda answer: self._send(writer, answer))

    def _send(self, writer: asyncio.StreamWriter, message: Message) -> None:
        if writer.is_closing():
            return
        if writer.transport.get_write_buffer_size() > _MOST_BUFFERED:
            _log.warning("a local client reads too slowly and was dropped")
            writer.transport.abort()
            return
        writer.write(to_line(message))


class LocalClient:
    """Follows another process's view, for as long as it runs."""

    def __init__(
        self, path: Path, on_message: Callable[[Message], None], on_gone: Callable[[], None], clock: Clock
    ) -> None:
        self._path = path
        self._on_message = on_message
        self._on_gone = on_gone
        self._clock = clock
        self._writer: asyncio.StreamWriter | None = None

    async def run(self) -> None:
        """Connect, read, and connect again, until cancelled. `on_gone` is told each time the server goes away."""
        while True:
            with contextlib.suppress(OSError):
                await self._follow()
            await self._clock.sleep(_RETRY_S)

    def send(self, message: Message) -> bool:
        """Send now; False when the server is away."""
        if self._writer is None or self._writer.is_closing():
            return False
        self._writer.write(to_line(message))
        return True

    async def _follow(self) -> None:
        # The limit holds several lines: a view is small, but bursts of log lines come together.
        reader, writer = await asyncio.open_unix_connection(self._path, limit=4 * MAX_LINE)
        self._writer = writer
        try:
            async for line in reader:
                self._on_message(from_line(line))
        except (MessageError, ValueError) as error:
            _log.warning("%s said something that is no message: %s", self._path.name, error)
        finally:
            self._writer = None
            writer.close()
            self._on_gone()
