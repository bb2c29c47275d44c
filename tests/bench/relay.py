"""A UDP relay on loopback that impairs what it passes on (`tests.bench.impair`), for calls of real peers.

    async with Relay(seed=1, impairment=Impairment(cap_kbps=300)) as relay:
        leg = await relay.leg()            # {"station": port, "clinic": port}, both on 127.0.0.1
        ...                                # the station is told of leg.station as the clinic's only candidate,
                                           # the clinic of leg.clinic as the station's
        await relay.set(Impairment(loss=1.0), "out")     # station to clinic only; without a direction: both
        figures = await relay.figures()

It runs in a process of its own, so that a busy test does not disturb its timing; `Relaying` is the same in the loop
at hand. Both directions are worked out on their own, from the same impairment and two streams of the seed. All legs
share the line: the second peer connection of a call has to share it with what is left of the first.

A leg passes on to whoever first spoke to its port, and forgets nobody: a second address that speaks to the same port
is ignored (ICE tries it and finds it dead), so that exactly one path leads through each leg.
"""

from __future__ import annotations

import asyncio
import json
import sys
from asyncio import DatagramTransport
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal, cast

from tests.bench.impair import CLEAR, Impairment, Pipe, earliest

__all__ = ["CLEAR", "Direction", "Impairment", "Leg", "Relay", "Relaying"]

Direction = Literal["out", "in"]  # station to clinic, clinic to station
HOST = "127.0.0.1"
_DIRECTIONS: tuple[Direction, ...] = ("out", "in")
_Address = tuple[str, int]


@dataclass(frozen=True)
class Leg:
    """The two ports of one path. The station sends to `station`, the clinic to `clinic`."""

    station: int
    clinic: int


class Relaying:
    """The relay in the loop that runs now."""

    def __init__(self, seed: int = 1, impairment: Impairment = CLEAR) -> None:
        self._impairment = impairment
        self._pipes = {direction: Pipe(f"{seed} {direction}", impairment) for direction in _DIRECTIONS}
        self._ends: list[_End] = []
        self._timer: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def __aenter__(self) -> Relaying:
        self._loop = asyncio.get_running_loop()
        await self.set(self._impairment)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._timer is not None:
            self._timer.cancel()
        for end in self._ends:
            end.close()

    async def leg(self) -> Leg:
        """Open another path."""
        station, clinic = _End(self._came, "out"), _End(self._came, "in")
        station.far, clinic.far = clinic, station
        ports = [await end.open() for end in (station, clinic)]
        self._ends += [station, clinic]
        return Leg(*ports)

    async def set(self, impairment: Impairment, direction: Direction | None = None) -> None:
        """Change the line, from now on; a schedule begins now."""
        assert self._loop is not None
        for name in _DIRECTIONS if direction is None else (direction,):
            self._pipes[name].set(impairment, self._loop.time())
        self._pass_on()

    async def figures(self) -> dict[Direction, dict[str, int]]:
        """`Counts` of each direction as a dictionary, with `queued` (bytes)."""
        return {name: {**asdict(pipe.counts), "queued": pipe.queued} for name, pipe in self._pipes.items()}

    def _came(self, end: _End, data: bytes) -> None:
        assert self._loop is not None
        self._pipes[end.direction].put(data, end.far, self._loop.time())
        self._pass_on()

    def _pass_on(self) -> None:
        assert self._loop is not None
        now = self._loop.time()
        for pipe in self._pipes.values():
            for data, end in pipe.take(now):
                end.send(data)
        if self._timer is not None:
            self._timer.cancel()
        due = earliest(pipe.due() for pipe in self._pipes.values())
        self._timer = None if due is None else self._loop.call_at(due, self._pass_on)


class _End(asyncio.DatagramProtocol):
    """One port."""

    far: _End

    def __init__(self, on_data: Callable[[_End, bytes], None], direction: Direction) -> None:
        self._on_data = on_data
        self.direction = direction  # of what comes in here
        self._transport: DatagramTransport | None = None
        self._peer: _Address | None = None

    async def open(self) -> int:
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(lambda: self, (HOST, 0))
        self._transport = transport
        return cast("int", transport.get_extra_info("sockname")[1])

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def send(self, data: bytes) -> None:
        if self._transport is not None and self._peer is not None and not self._transport.is_closing():
            self._transport.sendto(data, self._peer)

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        self._peer = self._peer or addr
        if addr == self._peer:
            self._on_data(self, data)

    def error_received(self, exc: Exception) -> None:
        """The peer's port is closed: its call is over."""


class Relay:
    """The relay in a process of its own; the same words as `Relaying`."""

    def __init__(self, seed: int = 1, impairment: Impairment = CLEAR) -> None:
        self._begin = {"seed": seed, "impairment": impairment.to_data()}
        self._process: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()

    async def __aenter__(self) -> Relay:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.bench.relay", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        await self._ask(self._begin)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._process is not None:
            assert self._process.stdin is not None
            self._process.stdin.close()
            await self._process.wait()

    async def leg(self) -> Leg:
        """Open another path."""
        return Leg(**await self._ask({"ask": "leg"}))

    async def set(self, impairment: Impairment, direction: Direction | None = None) -> None:
        """Change the line, from now on; a schedule begins now."""
        await self._ask({"ask": "set", "impairment": impairment.to_data(), "direction": direction})

    async def figures(self) -> dict[Direction, dict[str, int]]:
        """`Counts` of each direction as a dictionary, with `queued` (bytes)."""
        return cast("dict[Direction, dict[str, int]]", await self._ask({"ask": "figures"}))

    async def _ask(self, question: dict[str, Any]) -> dict[str, Any]:
        process = self._process
        assert process is not None
        assert process.stdin is not None
        assert process.stdout is not None
        async with self._turn:
            process.stdin.write(json.dumps(question).encode() + b"\n")
            await process.stdin.drain()
            line = await process.stdout.readline()
        if not line:
            raise RuntimeError("the relay has died")
        return cast("dict[str, Any]", json.loads(line))


async def _serve() -> None:
    """Answer on standard output what comes on standard input, until it ends."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    begin = json.loads(await reader.readline())
    async with Relaying(begin["seed"], Impairment.from_data(begin["impairment"])) as relay:
        _say({})
        async for line in reader:
            _say(await _answer(relay, json.loads(line)))


async def _answer(relay: Relaying, question: dict[str, Any]) -> dict[str, Any]:
    if question["ask"] == "leg":
        return asdict(await relay.leg())
    if question["ask"] == "set":
        await relay.set(Impairment.from_data(question["impairment"]), question["direction"])
        return {}
    return dict(await relay.figures())


def _say(answer: dict[str, Any]) -> None:
    print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    asyncio.run(_serve())
