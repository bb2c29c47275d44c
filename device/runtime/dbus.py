"""A client of the system's message bus: calls, one after the other, and their answers. Nothing is exported or followed.

async with system_bus() as bus:
    (paths,) = await bus.call(Call("org.freedesktop.NetworkManager", ..., "ListConnections"))

Its own, for what a station says to NetworkManager holds secrets, and busctl and nmcli take those on their command line.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Protocol

from device.runtime import dbus_wire
from device.runtime.dbus_wire import ERROR, RETURN, Answer, Call
from device.runtime.errors import BusAway, BusMalformed, BusRefused

SOCKET = Path("/run/dbus/system_bus_socket")
_WITHIN_S = 30.0
_HELLO = Call("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "Hello")


class Bus(Protocol):
    """Whoever takes calls."""

    async def call(self, call: Call) -> tuple[Any, ...]:
        """The answer's values; BusRefused with the service's own word for an error, BusAway when none comes."""


class _Connection:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._serials = itertools.count(1)

    async def call(self, call: Call) -> tuple[Any, ...]:
        serial = next(self._serials)
        try:
            async with asyncio.timeout(_WITHIN_S):
                self._writer.write(dbus_wire.to_bytes(call, serial))
                await self._writer.drain()
                while (answer := await self._next()).to != serial or answer.kind not in (RETURN, ERROR):
                    continue
        except (OSError, asyncio.IncompleteReadError, TimeoutError, BusMalformed) as error:
            raise BusAway(f"{call.destination} does not answer {call.member}: {error or 'too late'}") from error
        if answer.kind == ERROR:
            text = answer.values[0] if answer.values and isinstance(answer.values[0], str) else ""
            raise BusRefused(answer.error, text)
        return answer.values

    async def authenticate(self) -> None:
        """As this process's user, whom the kernel vouches for (EXTERNAL)."""
        user = str(os.geteuid()).encode().hex()
        self._writer.write(f"\0AUTH EXTERNAL {user}\r\n".encode())
        if not (await self._reader.readline()).startswith(b"OK "):
            raise BusAway("the system bus does not take this process's user")
        self._writer.write(b"BEGIN\r\n")
        await self.call(_HELLO)

    async def _next(self) -> Answer:
        start = await self._reader.readexactly(16)
        rest = await self._reader.readexactly(dbus_wire.length(start) - len(start))
        return dbus_wire.from_bytes(start + rest)


@contextlib.asynccontextmanager
async def system_bus(socket: Path = SOCKET) -> AsyncIterator[Bus]:
    """Connected to the bus inside the `async with`; BusAway when there is none."""
    try:
        async with asyncio.timeout(_WITHIN_S):
            reader, writer = await asyncio.open_unix_connection(socket, limit=dbus_wire.MOST_BYTES)
    except (OSError, TimeoutError) as error:
        raise BusAway(f"there is no system bus at {socket}: {error}") from error
    try:
        connection = _Connection(reader, writer)
        try:
            async with asyncio.timeout(_WITHIN_S):
                await connection.authenticate()
        except (OSError, TimeoutError) as error:
            raise BusAway(f"the system bus does not answer: {error}") from error
        yield connection
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
