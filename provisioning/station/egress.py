"""How the station reaches a server by HTTPS: through the proxy that its config names, or directly.

A proxy that does not lead there is gone round: the config that names it may be wrong, and what would mend it comes over
a link for which the station needs its certificate, and for that this. Nothing is lost by it: whoever is in between, TLS
is held to the server. Source: RFC 9110, 9.3.6 (CONNECT); RFC 7617 (Basic); RFC 1928 and 1929 (SOCKS 5).
"""

from __future__ import annotations

import asyncio
import base64
import logging
import ssl
from collections.abc import Callable
from urllib.parse import urlsplit

from messaging.settings import Proxy

_log = logging.getLogger(__name__)
_WITHIN_S = 7.0  # of the fifteen that a whole answer may take
_MOST_HEAD = 16 * 1024
_LONGEST_LOGIN = 255
_SOCKS, _CONNECT, _BY_NAME, _NO_LOGIN, _LOGIN = 5, 1, 3, 0, 2
_REST_OF_ADDRESS = {1: 4, 4: 16}  # bytes, by SOCKS' kind of address

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class _ProxyRefuses(OSError):
    """The proxy is there and does not connect us."""


class Egress:
    """`proxy` tells what the config says now; `trust` makes what a proxy that is itself reached by TLS is held to."""

    def __init__(
        self,
        proxy: Callable[[], Proxy] = Proxy,
        trust: Callable[[], ssl.SSLContext] = ssl.create_default_context,
    ) -> None:
        self._proxy = proxy
        self._trust = trust
        self._said = ""

    async def connect(self, host: str, port: int, context: ssl.SSLContext) -> Streams:
        """TLS to that server; OSError, with ssl's own among them, when there is none."""
        proxy = self._proxy()
        if proxy.url and not bypassed(proxy, host):
            try:
                async with asyncio.timeout(_WITHIN_S):
                    streams = await self._through(proxy, host, port, context)
            except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
                self._say(f"the proxy does not lead to {host}:{port} and is gone round: {error or 'no answer'}")
            else:
                self._say("")
                return streams
        return await asyncio.open_connection(host, port, ssl=context, server_hostname=host)

    async def _through(self, proxy: Proxy, host: str, port: int, context: ssl.SSLContext) -> Streams:
        parts = urlsplit(proxy.url)
        trust = self._trust() if parts.scheme == "https" else None
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port, ssl=trust, limit=_MOST_HEAD)
        try:
            ask = _socks if parts.scheme == "socks5" else _http
            await ask(reader, writer, proxy, host, port)
            await writer.start_tls(context, server_hostname=host)
        except BaseException:
            writer.close()
            raise
        return reader, writer

    def _say(self, complaint: str) -> None:
        if complaint and complaint != self._said:
            _log.warning("%s", complaint)
        self._said = complaint


DIRECT = Egress()


def bypassed(proxy: Proxy, host: str) -> bool:
    """Whether the config wants this host reached without the proxy: by its name, its address, or a domain above it."""
    name = host.lower().rstrip(".")
    return any(name == one or name.endswith(f".{one}") for one in (entry.lower() for entry in proxy.bypass))


async def _http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, proxy: Proxy, host: str, port: int) -> None:
    target = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    lines = [f"CONNECT {target} HTTP/1.1", f"Host: {target}"]
    if proxy.user:
        login = base64.b64encode(f"{proxy.user}:{proxy.password}".encode()).decode()
        lines.append(f"Proxy-Authorization: Basic {login}")
    writer.write("\r\n".join((*lines, "", "")).encode())
    head = await reader.readuntil(b"\r\n\r\n")
    status = head.split(b" ", 2)[1:2]
    if not head.startswith(b"HTTP/1.") or status[0][:1] != b"2":
        raise _ProxyRefuses(f"HTTP {status[0][:3].decode('ascii', 'replace')}" if status else "it is no proxy")


async def _socks(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, proxy: Proxy, host: str, port: int
) -> None:
    writer.write(bytes((_SOCKS, 1, _LOGIN if proxy.user else _NO_LOGIN)))
    version, method = await reader.readexactly(2)
    if version != _SOCKS or method != (_LOGIN if proxy.user else _NO_LOGIN):
        raise _ProxyRefuses("it is no SOCKS 5 proxy that takes this login")
    if proxy.user:
        user, password = proxy.user.encode(), proxy.password.encode()
        if max(len(user), len(password)) > _LONGEST_LOGIN:
            raise _ProxyRefuses("a login that is too long for SOCKS 5")
        writer.write(bytes((1, len(user))) + user + bytes((len(password),)) + password)
        if (await reader.readexactly(2))[1] != 0:
            raise _ProxyRefuses("it does not take this login")
    name = host.encode("idna")
    writer.write(bytes((_SOCKS, _CONNECT, 0, _BY_NAME, len(name))) + name + port.to_bytes(2, "big"))
    _, answer, _, kind = await reader.readexactly(4)
    if answer != 0:
        raise _ProxyRefuses(f"SOCKS reply {answer}")
    rest = _REST_OF_ADDRESS.get(kind) or (await reader.readexactly(1))[0]
    await reader.readexactly(rest + 2)
