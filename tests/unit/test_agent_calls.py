"""What calls were like, from station-call's view to the broker: once each, and not lost while anybody is away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from messaging.codec import decode, encode
from messaging.link.local import LocalServer
from messaging.local import CALL_SOCKET, FiguresKept, Message, from_line, to_line
from messaging.quality import CallQuality, SoundQuality, WayQuality
from tests.kits.servers.memory_broker import MemoryBroker
from tests.kits.station.agent import AGENT, Station, call_view, running_agent

WAY = WayQuality(30.0, 1500.0, 0.0, 0.0, 30.0, 1280, 720, 60.0, 0.0, 0.0)
TOLD = CallQuality("c0ffee00", 1_800_000_060.0, 60.0, "good", 0, 0.0, WAY, WAY, SoundQuality(0, 0, 0.0, 0.0, 45.0), 0.8)


class CallProcess:
    """station-call's socket, holding the figures of calls until it hears that they are kept."""

    def __init__(self, station: Station, *ended: CallQuality, boot: str = "run-1") -> None:
        self.ended, self.boot = ended, boot
        self.kept: list[str] = []
        self.server = LocalServer(station.run / CALL_SOCKET, lambda message, _reply: self._take(message))
        self.show()

    def show(self) -> None:
        self.server.show(replace(call_view(self.boot), ended=self.ended))

    def _take(self, message: Message) -> None:
        if isinstance(message, FiguresKept):
            self.kept.append(message.call)
            self.ended = tuple(each for each in self.ended if each.call != message.call)
            self.show()


@asynccontextmanager
async def call_process(station: Station, *ended: CallQuality) -> AsyncIterator[CallProcess]:
    process = CallProcess(station, *ended)
    await process.server.start()
    try:
        yield process
    finally:
        await process.server.stop()


def sent(station: Station) -> list[CallQuality]:
    return [decode(CallQuality, data) for data in station.sent("up/m/call")]


async def test_each_call_is_told_once_and_station_call_may_forget_it(tmp_path: Path) -> None:
    second = replace(TOLD, call="c0ffee01", grade="poor")
    async with running_agent(tmp_path) as station, call_process(station, TOLD, second) as process:
        await station.advance(1)
        await station.until(lambda: len(sent(station)) == 2 and process.ended == ())
        process.ended = (TOLD,)  # station-call did not hear that it is kept
        process.show()
        await station.until(lambda: process.kept.count("c0ffee00") == 2)
        assert sent(station) == [TOLD, second]


async def test_a_broker_that_is_away_gets_it_when_it_is_back_even_from_the_next_run(tmp_path: Path) -> None:
    async with running_agent(tmp_path) as station:
        station.broker.cut(AGENT)
        async with call_process(station, TOLD) as process:
            await station.advance(1)
            await station.until(lambda: process.kept == ["c0ffee00"])
        await station.stop()
        assert sent(station) == []
        station.broker = MemoryBroker()
        station.agent = station.boot()
        await station.start()
        await station.until(lambda: sent(station) == [TOLD])


async def test_before_the_station_is_enrolled_nothing_is_taken_from_station_call(tmp_path: Path) -> None:
    async with running_agent(tmp_path, enrolled=False) as station, call_process(station, TOLD) as process:
        await station.advance(1)
        await station.view(lambda view: view.processes.get("call") == "running")
        await asyncio.sleep(0)
        assert process.kept == []


@pytest.mark.parametrize("message", [FiguresKept("c0ffee00"), replace(call_view(), ended=(TOLD,))])
def test_it_travels_between_the_two(message: Message) -> None:
    assert from_line(to_line(message)) == message


def test_what_is_not_known_is_left_out_and_read_back_as_not_known() -> None:
    bare = replace(TOLD, connect_s=None)
    assert "connect_s" not in encode(bare)
    assert decode(CallQuality, encode(bare)) == bare
