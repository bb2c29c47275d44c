"""Commands through a real region, its authority and mosquitto, to a station that answers: sent, told, called back."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from messaging.clock import SystemClock
from messaging.command import Progress, read_order
from messaging.envelope import Sealer, open_envelope
from messaging.link.mqtt import MqttLink, MqttSettings
from messaging.link.port import Inbound, Up
from messaging.signed import Word, carried, read_word
from messaging.status import Connection
from messaging.topics import agent_subscriptions, parse, up
from provisioning.station.enrol import Enrolment
from provisioning.station.keystore import Keystore
from tests.kits.servers.broker import free_port

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]
HOST, WITHIN_S = "127.0.0.1", 60.0


class Region:
    """`region serve` with its data, and the command line beside it."""

    def __init__(self, folder: Path) -> None:
        self.data, self.log = folder / "data", folder / "log"
        self.broker = free_port()
        self._ports = ("--port", free_port(), "--enrol-port", free_port(), "--broker-port", self.broker)
        self.start()

    def start(self) -> None:
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "region.cli", "serve", "--data", str(self.data), *map(str, self._ports)],
                stdout=subprocess.PIPE, stderr=log, text=True,
            )  # fmt: skip
        assert self.process.stdout is not None
        assert self.process.stdout.readline().startswith("The region is ready")

    async def command(self, *words: str) -> Any:
        done = await asyncio.to_thread(
            subprocess.run, [sys.executable, "-m", "region.cli", *words, "--json", "--data", str(self.data)],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        return json.loads(done.stdout)

    def stop(self) -> None:
        self.process.send_signal(signal.SIGINT)
        self.process.communicate(timeout=60)


@pytest.fixture
def region(tmp_path: Path) -> Iterator[Region]:
    region = Region(tmp_path)
    yield region
    region.stop()


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
    await region.command("site", "add", "Solgården")
    made = await region.command("station", "add", "Stue 4", "--site", "Solgården")
    await region.command("station", "code", made["id"], "--out", str(tmp_path / "code.toml"))
    keystore = Keystore(tmp_path / "state")
    await Enrolment(keystore, tmp_path / "code.toml").enrol()
    settings = MqttSettings(
        HOST, region.broker, f"{made['id']}-agent", keystore.ca, keystore.certificate, keystore.key
    )  # fmt: skip
    clock = SystemClock()
    link = MqttLink(settings, agent_subscriptions(made["id"]), None, clock)
    agent = FakeAgent(made["id"], keystore, link, Sealer(clock.monotonic, clock.wall))
    await link.start()
    listening = asyncio.create_task(agent.listen())
    yield agent
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)
    await link.stop()


async def _stands(region: Region, cid: str, *states: str) -> dict[str, Any]:
    async with asyncio.timeout(WITHIN_S):
        while True:
            (found,) = [one for one in await region.command("command", "list") if one["id"] == cid]
            if found["state"] in states:
                return dict(found)


async def test_a_command_waits_for_its_station_goes_out_signed_once_and_comes_to_its_end(
    region: Region, agent: FakeAgent
) -> None:
    away = await region.command("command", "send", "identify", "seconds=30", "--station", agent.station)
    called_back = await region.command("command", "send", "reboot", "--site", "Solgården")
    await region.command("command", "cancel", called_back["commands"][0]["id"])
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
    later = await region.command("command", "send", "volume", "percent=40", "--station", agent.station)
    assert (await agent.next_word()).cid == later["commands"][0]["id"], "and nothing else came between"
    rows = await region.command("audit", "list", "--station", agent.station)
    told = [(row["action"], row["outcome"]) for row in rows if row["action"].startswith("command.")]
    assert told == [
        ("command.give", "done"), ("command.ended", "successful"), ("command.cancel", "done"), ("command.give", "done"),
        ("command.give", "done"),
    ]  # fmt: skip


async def test_a_region_that_is_started_anew_asks_again_what_was_not_answered_and_that_alone(
    region: Region, agent: FakeAgent
) -> None:
    await agent.is_there()
    answered = await region.command("command", "send", "identify", "--station", agent.station)
    first = await agent.next_word()
    await agent.says(first, Progress("init"))
    unanswered = await region.command("command", "send", "renew", "--station", agent.station)
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
