"""Commands through a real region, its authority and mosquitto, to a station that answers: sent, told, called back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from messaging.clock import SystemClock
from messaging.command import Progress, read_order
from messaging.envelope import Sealer, open_envelope
from messaging.link.mqtt import MqttLink
from messaging.link.port import Inbound, Up
from messaging.signed import Word, carried, read_word
from messaging.status import Connection
from messaging.topics import parse, up
from provisioning.station.keystore import Keystore
from tests.process.region_stage import Region, agent_link, enrolled

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]
WITHIN_S = 60.0


@dataclass
class FakeAgent:
    """A station's agent that takes commands and says of them what it is told to say."""

    station: str
    keystore: Keystore
    link: MqttLink
    sealer: Sealer
    words: asyncio.Queue[Word] = field(default_factory=asyncio.Queue)
    up: asyncio.Event = field(default_factory=asyncio.Event)

    async def listen(self) -> None:
        async for event in self.link.events():
            if isinstance(event, Up):
                self.up.set()
            if isinstance(event, Inbound):
                self.link.ack(event)
                if parse(event.topic).branch == "cmd":
                    assert not event.retained
                    self.words.put_nowait(self._read(event))

    def _read(self, event: Inbound) -> Word:
        word = read_word(
            carried(open_envelope(event.payload).data), kind="command", station=self.station,
            roots=self.keystore.roots(), wall=SystemClock().wall(), clock_trusted=True,
        )  # fmt: skip
        assert parse(event.topic).words == (word.type, word.cid)
        return word

    async def is_there(self) -> None:
        async with asyncio.timeout(WITHIN_S):
            await self.up.wait()
            online = Connection("agent", "online", self.sealer.boot, 1)
            await self.link.publish(up(self.station, "conn", "agent"), self.sealer.seal(online), retain=True)

    async def next_word(self) -> Word:
        async with asyncio.timeout(WITHIN_S):
            return await self.words.get()

    async def says(self, word: Word, *told: Progress) -> None:
        for one in told:
            topic = up(self.station, "cmd", word.type or "", word.cid or "")
            await self.link.publish(topic, self.sealer.seal(one))


@pytest.fixture
async def agent(region: Region, tmp_path: Path) -> AsyncIterator[FakeAgent]:
    station, keystore = await enrolled(region, tmp_path)
    clock = SystemClock()
    link = agent_link(region, keystore, station)
    agent = FakeAgent(station, keystore, link, Sealer(clock.monotonic, clock.wall))
    await link.start()
    listening = asyncio.create_task(agent.listen())
    yield agent
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)
    await link.stop()


async def _stands(region: Region, cid: str, *states: str) -> dict[str, Any]:
    async with asyncio.timeout(WITHIN_S):
        while True:
            (found,) = [one for one in await region.told("command", "list") if one["id"] == cid]
            if found["state"] in states:
                return dict(found)


async def test_a_command_waits_for_its_station_goes_out_signed_once_and_comes_to_its_end(
    region: Region, agent: FakeAgent
) -> None:
    away = await region.told("command", "send", "identify", "seconds=30", "--station", agent.station)
    called_back = await region.told("command", "send", "reboot", "--site", "Solgården")
    await region.told("command", "cancel", called_back["commands"][0]["id"])
    await agent.is_there()
    word = await agent.next_word()
    assert (word.cid, word.type) == (away["commands"][0]["id"], "identify")
    assert read_order("identify", word.body) == read_order("identify", {"seconds": 30})
    assert word.cid is not None
    await agent.says(word, Progress("init"), Progress("executing"))
    await _stands(region, word.cid, "executing")
    await agent.says(word, Progress("successful", "", {"seconds": 30.0}), Progress("executing"))
    ended = await _stands(region, word.cid, "successful", "failed")
    assert (ended["state"], ended["by_station"], ended["figures"]) == ("successful", True, {"seconds": 30.0})
    later = await region.told("command", "send", "volume", "percent=40", "--station", agent.station)
    assert (await agent.next_word()).cid == later["commands"][0]["id"], "and nothing else came between"
    rows = await region.told("audit", "list", "--station", agent.station)
    told = [(row["action"], row["outcome"]) for row in rows if row["action"].startswith("command.")]
    assert told == [
        ("command.give", "done"), ("command.ended", "successful"), ("command.cancel", "done"), ("command.give", "done"),
        ("command.give", "done"),
    ]  # fmt: skip


async def test_a_region_that_is_started_anew_asks_again_what_was_not_answered_and_that_alone(
    region: Region, agent: FakeAgent
) -> None:
    await agent.is_there()
    answered = await region.told("command", "send", "identify", "--station", agent.station)
    first = await agent.next_word()
    await agent.says(first, Progress("init"))
    unanswered = await region.told("command", "send", "renew", "--station", agent.station)
    assert (await agent.next_word()).cid == unanswered["commands"][0]["id"]
    agent.up.clear()
    await asyncio.to_thread(region.stop)
    await asyncio.to_thread(region.start)
    assert (await agent.next_word()).cid == unanswered["commands"][0]["id"]
    assert first.cid == answered["commands"][0]["id"]
    await agent.is_there()
    await agent.says(first, Progress("successful"))
    assert (await _stands(region, str(first.cid), "successful"))["by_station"]
    assert agent.words.empty()
