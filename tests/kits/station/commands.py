"""Commands to a whole agent in process: signed as the region's are, and the two neighbours that may be asked to end.

async with commanded(tmp_path) as to:
    to.give(CID, Volume(40))
    await to.told(CID, "successful")
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from messaging.codec import encode
from messaging.command import CommandState, Order, kind_of
from messaging.link.local import LocalServer, Reply
from messaging.local import (
    AGENT_SOCKET,
    CALL_SOCKET,
    CallState,
    End,
    Message,
    Refusal,
    ScreenAlive,
    ShowWhich,
    from_line,
    to_line,
)
from messaging.signed import Word, carry
from messaging.topics import down
from tests.kits.eventually import eventually
from tests.kits.station.agent import STATION, Station, call_view
from tests.kits.trust.signing import SigningKit

CID = "0123456789abcdef"


class CallProcess:
    """station-call, as far as the agent sees it: it shows its state, and ends when this run of it is asked to."""

    def __init__(self, run: Path) -> None:
        self.runs = 1
        self.state: CallState = "idle"
        self.asked: list[str] = []
        self.heard: list[Message] = []
        self.presses = self.identified = 0  # of this run
        self._run = run
        self._server = LocalServer(run / CALL_SOCKET, self._heard)
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        await self._server.start()
        self.show()

    async def stop(self) -> None:
        await asyncio.gather(*self._tasks)
        await self._server.stop()

    def show(self, state: CallState | None = None) -> None:
        self.state = state or self.state
        view = replace(call_view(f"run-{self.runs}"), state=self.state, presses=self.presses)
        self._server.show(replace(view, identified=self.identified))

    def press(self, state: CallState | None = None) -> None:
        """Somebody presses, and this is what comes of it."""
        self.presses += 1
        self.show(state)

    def _heard(self, message: Message, reply: Reply) -> None:
        self.heard.append(message)
        if isinstance(message, ShowWhich):
            if self.state != "idle":
                reply(Refusal("in_call"))
            else:
                self.identified += 1
                self.show()
        if not isinstance(message, End):
            return
        self.asked.append(message.boot)
        if message.boot != f"run-{self.runs}":
            reply(Refusal("another_run"))
        elif self.state != "idle":
            reply(Refusal("in_call"))
        else:
            self.runs += 1
            self.presses = self.identified = 0
            task = asyncio.create_task(self._restart())
            self._tasks.add(task)

    async def _restart(self) -> None:
        await self._server.stop()
        self._server = LocalServer(self._run / CALL_SOCKET, self._heard)
        await self.start()


class Screen:
    """A screen that draws, and whose runs end when they are asked to."""

    def __init__(self, run: Path) -> None:
        self.runs = 1
        self._path = run / AGENT_SOCKET

    async def run(self) -> None:
        """Say that it draws, over and over."""
        while True:
            reader, writer = await eventually(self._connected)
            try:
                await self._live(reader, writer)
            except OSError:
                pass  # the agent has gone: it comes back
            finally:
                writer.close()

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        try:
            return await asyncio.open_unix_connection(self._path)
        except OSError:
            return None

    async def _live(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        me = f"screen-{self.runs}"
        hearing = asyncio.create_task(self._until_ended(reader, me))
        try:
            while not hearing.done():
                writer.write(to_line(ScreenAlive(1, me)))
                await writer.drain()
                await asyncio.wait([hearing], timeout=0.01)
        finally:
            hearing.cancel()
            await asyncio.wait([hearing])

    async def _until_ended(self, reader: asyncio.StreamReader, me: str) -> None:
        async for line in reader:
            message = from_line(line)
            if isinstance(message, End) and message.boot == me:
                self.runs += 1
                return


class Commanded:
    """One station, and the region that commands it."""

    def __init__(self, station: Station) -> None:
        self.station = station
        self.kit = SigningKit(station.clock)
        self.call = CallProcess(station.run)

    def word(self, cid: str, order: Order, *, lasts_s: float = 600.0, **differs: Any) -> Word:
        now = self.station.clock.wall()
        word = Word("command", STATION, now, encode(order), now + lasts_s, cid=cid, type=kind_of(order))
        return replace(word, **differs)

    def give(self, cid: str, order: Order, *, lasts_s: float = 600.0) -> bytes:
        """Command it; what was sent, for whoever wants to send it again."""
        payload = self.station.region.seal(carry(self.kit.jws(self.word(cid, order, lasts_s=lasts_s))))
        self.send(payload, kind_of(order), cid)
        return payload

    def send(self, payload: bytes, kind: str, cid: str, *, retain: bool = False) -> None:
        self.station.broker.publish("region", down(STATION, "cmd", kind, cid), payload, retain=retain)

    def states(self, cid: str, kind: str = "+") -> list[tuple[str, str]]:
        """What the station has said of it: (state, reason)."""
        said = [
            message for _, topic, _ in self.station.broker.log if "/up/cmd/" in topic and topic.endswith(cid)
            for message in [topic.split("/up/")[1]]
        ]  # fmt: skip
        topics = list(dict.fromkeys(said))
        assert len(topics) <= 1, "a command is told under its own topic"
        return [(one["state"], one["reason"]) for topic in topics for one in self.station.sent(f"up/{topic}")]

    async def told(self, cid: str, state: CommandState, reason: str = "", *, by_s: float = 120.0) -> None:
        """Let time pass until the station says so."""
        told = await self.station.lives_until(lambda: (state, reason) in self.states(cid), by_s)
        assert told, f"not told {state} {reason}: {self.states(cid)}"

    async def refused(self, count: int) -> None:
        """So many messages were refused, and counted."""
        await self.station.until(lambda: self.station.agent._twin.refused_messages == count)

    async def restart(self) -> None:
        """The agent, by systemd: another run on the same disk."""
        await self.station.stop()
        self.station.agent = self.station.boot()
        await self.station.start()


@asynccontextmanager
async def commanded(folder: Path, *, hardware: str = "sim") -> AsyncIterator[Commanded]:
    """A station that is up, with station-call beside it, a second after it began."""
    station = Station(folder)
    to = Commanded(station)
    section = replace(station.config.station, hardware=hardware)
    station.config = replace(station.config, station=section)
    station.enrol(to.kit.authority)
    (station.state / "ca.pem").write_bytes(to.kit.roots_pem)
    station.agent = station.boot()
    await to.call.start()
    await station.start()
    try:
        await station.born()
        await station.advance(1.0)
        await station.until(lambda: station.agent._neighbours.call is not None)
        yield to
    finally:
        await station.stop()
        await to.call.stop()
