"""A proxy for tests: HTTP CONNECT (plain or over TLS) and SOCKS 5, with a login if it is given one.

async with proxy("http", login=("user", "password")) as between:
    between.url, between.asked
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass
class Between:
    """`asked`: the targets it connected to. `elsewhere` is a port to which it leads instead, as an intercepting one."""

    scheme: str
    login: tuple[str, str] | None
    elsewhere: int | None
    asked: list[tuple[str, int]] = field(default_factory=list)
    refused: int = 0
    port: int = 0

    @property
    def url(self) -> str:
        """As a config names it."""
        return f"{self.scheme}://localhost:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One client."""
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            target = await (self._socks if self.scheme == "socks5" else self._connect)(reader, writer)
            if target is not None:
                self.asked.append(target)
                await self._relay(reader, writer, self.elsewhere or target[1])
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> tuple[str, int] | None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        wanted = "Basic " + base64.b64encode(":".join(self.login or ()).encode()).decode()
        if self.login is not None and f"Proxy-Authorization: {wanted}" not in head.split("\r\n"):
            self.refused += 1
            writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")
            return None
        host, _, port = head.split(" ")[1].rpartition(":")
        writer.write(b"HTTP/1.1 200 Connection established\r\nVia: test\r\n\r\n")
        return host, int(port)

    async def _socks(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> tuple[str, int] | None:
        _, count = await reader.readexactly(2)
        offered = await reader.readexactly(count)
        if (2 if self.login else 0) not in offered:
            writer.write(b"\x05\xff")
            return None
        writer.write(b"\x05\x02" if self.login else b"\x05\x00")
        if self.login:
            await reader.readexactly(1)
            said = [(await reader.readexactly((await reader.readexactly(1))[0])).decode() for _ in range(2)]
            writer.write(b"\x01\x00" if tuple(said) == self.login else b"\x01\x01")
            if tuple(said) != self.login:
                self.refused += 1
                return None
        await reader.readexactly(4)
        host = (await reader.readexactly((await reader.readexactly(1))[0])).decode()
        port = int.from_bytes(await reader.readexactly(2), "big")
        writer.write(b"\x05\x00\x00\x01" + bytes(6))
        return host, port

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(_pump(reader, far_writer), _pump(far_reader, writer), return_exceptions=True)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while chunk := await reader.read(8192):
            writer.write(chunk)
            await writer.drain()
    writer.close()


@asynccontextmanager
async def proxy(
    scheme: str,
    login: tuple[str, str] | None = None,
    *,
    tls: ssl.SSLContext | None = None,
    elsewhere: int | None = None,
) -> AsyncIterator[Between]:
    """A proxy that runs inside the `async with`."""
    between = Between(scheme, login, elsewhere)
    server = await asyncio.start_server(between.serve, "127.0.0.1", 0, ssl=tls)
    between.port = server.sockets[0].getsockname()[1]
    try:
        yield between
    finally:
        server.close()
        await server.wait_closed()
