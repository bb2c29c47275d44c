"""A real coturn for tests: a relay on loopback that takes the region's time-limited credentials.

async with running_relay(tmp_path) as relay:
    settings = relay.settings            # what `region serve` would read from its options
    await relay.allocated("st-00000001") # whose credentials got an address of the relay
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

from messaging.call import IceServer
from region.web.turn import TurnSettings, ice_servers
from tests.kits.servers.broker import Identity, free_port

SECRET = "a secret between the region and its relay"
WITHIN_S = 15.0
_ALLOCATED = re.compile(r"user <\d+:([\w-]+)>: incoming packet ALLOCATE processed, success")
_LISTENING = re.compile(r"IPv4\. (?:UDP|TCP|TLS) listener opened on")


@dataclass
class Relay:
    """A coturn that runs. `secret_file` and `url` are for the region's options."""

    process: Process
    port: int
    secret_file: Path
    _holders: set[str] = field(default_factory=set)
    _lines: asyncio.Condition = field(default_factory=asyncio.Condition)
    _listening: bool = False

    @property
    def url(self) -> str:
        """The relay's address."""
        return f"turn:127.0.0.1:{self.port}"

    @property
    def settings(self) -> TurnSettings:
        """The same, as the region holds it."""
        return TurnSettings((self.url,), SECRET)

    def servers(self, *urls: str) -> tuple[IceServer, ...]:
        """What the region would give a station that asks now, at these URLs of the relay's (its own if none)."""
        return ice_servers(TurnSettings(urls or (self.url,), SECRET), "st-00000001", time.time())

    @property
    def options(self) -> tuple[str, ...]:
        """How `region serve` is told of it."""
        return ("--turn-url", self.url, "--turn-secret-file", str(self.secret_file))

    async def ready(self) -> None:
        """It listens."""
        await self._until(lambda: self._listening)

    async def allocated(self, *holders: str) -> None:
        """Credentials of all these have got an address of the relay."""
        await self._until(lambda: set(holders) <= self._holders)

    async def die(self) -> None:
        """Be killed."""
        self.process.kill()
        await self.process.wait()

    async def read(self) -> None:
        """Read its log until it ends."""
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            text = line.decode(errors="replace")
            found = _ALLOCATED.search(text)
            async with self._lines:
                self._listening = self._listening or _LISTENING.search(text) is not None
                if found:
                    self._holders.add(found[1])
                self._lines.notify_all()

    async def _until(self, seen: Callable[[], bool]) -> None:
        try:
            async with asyncio.timeout(WITHIN_S), self._lines:
                await self._lines.wait_for(seen)
        except TimeoutError:
            raise AssertionError(f"it never happened at the relay; addresses went to {self._holders}") from None


def _listeners(port: int, tls: Identity | None) -> tuple[str, ...]:
    if tls is None:
        return (f"--listening-port={port}", "--no-tls")
    return ("--no-udp", "--no-tcp", f"--tls-listening-port={port}", f"--cert={tls.certificate}", f"--pkey={tls.key}")


@contextlib.asynccontextmanager
async def running_relay(
    folder: Path, *more: str, tls: Identity | None = None, port: int | None = None
) -> AsyncIterator[Relay]:
    """A relay, on a free port if none is named, with more of coturn's options; it ends with the `async with`.

    With `tls`, its certificate, it takes nothing but TURN over TLS.
    """
    port, secret = port or free_port(), folder / "turn-secret"
    secret.write_text(SECRET)
    process = await asyncio.create_subprocess_exec(
        "turnserver", "-n", "--listening-ip=127.0.0.1", "--relay-ip=127.0.0.1",
        *_listeners(port, tls), *more,
        "--use-auth-secret", f"--static-auth-secret={SECRET}", "--realm=laegeknap.test", "--allow-loopback-peers",
        "--no-dtls", "--no-cli", "--log-file=stdout", "--simple-log", "--verbose",
        f"--pidfile={folder / 'turn-pid'}", f"--userdb={folder / 'turn-users'}", stdout=PIPE, stderr=STDOUT,
    )  # fmt: skip
    relay = Relay(process, port, secret)
    reading = asyncio.create_task(relay.read())
    try:
        await relay.ready()
        yield relay
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
        await reading
