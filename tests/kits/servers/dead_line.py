"""A TCP line that dies without a word, as a pulled cable does: nothing is refused, nothing breaks, nothing arrives.

async with TcpLine(broker_port) as line:
    ...                       # connect to line.port
    line.die()
    line.mend()
"""

from __future__ import annotations

import asyncio
import contextlib

HOST = "127.0.0.1"


class TcpLine:
    """Passes on between `port` and the server at `to`, while it lives. Connections made while it is dead stay so."""

    def __init__(self, to: int) -> None:
        self.port = 0
        self._to = to
        self._alive = asyncio.Event()
        self._alive.set()
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.connections = 0  # made through it so far

    async def __aenter__(self) -> TcpLine:
        self._server = await asyncio.start_server(self._serve, HOST, 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for writer in tuple(self._writers):
            writer.transport.abort()
        await self._server.wait_closed()

    def die(self) -> None:
        """From now on nothing is passed on."""
        self._alive.clear()

    def mend(self) -> None:
        """It passes on again, what waited as well."""
        self._alive.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.add(writer)
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._alive.wait()
            far_reader, far_writer = await asyncio.open_connection(HOST, self._to)
            self._writers.add(far_writer)
            async with asyncio.TaskGroup() as ways:
                ways.create_task(self._pass(reader, far_writer))
                ways.create_task(self._pass(far_reader, writer))
        except (asyncio.CancelledError, OSError):
            pass  # the end of the line, or of its server
        finally:
            self._tasks.discard(task)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                await self._alive.wait()
                writer.write(data)
                await writer.drain()
        writer.close()
