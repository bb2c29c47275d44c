"""What an attacker with a certificate gets of mosquitto, run with the region's own configuration."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from messaging.link.mqtt import MqttLink, MqttSettings
from messaging.link.port import Inbound, LinkRefused, Up
from messaging.topics import ROOT, down, region_subscriptions, up
from region.broker import REGION_USER
from tests.kits.eventually import eventually
from tests.process.broker_stage import HOST, STATION, Stage, running_stage

pytestmark = pytest.mark.system
OTHER = "st-another0"
DESIRED = f"{ROOT}/{OTHER}/dn/desired"
EVERYTHING = ("#", f"{ROOT}/+/dn/#", f"{ROOT}/+/up/#", "$SYS/#", f"$share/all/{ROOT}/#", DESIRED)
NAMES = (
    "+", "#", "+/up", "st-+", f"{OTHER}/#",
    OTHER[:-1] + "+", f"{OTHER}/up", f"{OTHER}/dn", f"{OTHER}/up/cmd", f"{OTHER}/dn/cmd", f"{OTHER}/dn/call",
    f"{OTHER}/up/call", f"{OTHER}/up/cmd/volume", f"{OTHER}/dn/cmd/volume", f"{OTHER}/", "region/", "%u", "$SYS",
)  # fmt: skip


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with running_stage(tmp_path) as stage:
        yield stage


class Heard:
    """A client that is connected, and all that it has been sent."""

    def __init__(self, link: MqttLink) -> None:
        self.link = link
        self.topics: list[str] = []
        self._up = asyncio.Event()

    async def listen(self) -> None:
        async for event in self.link.events():
            if isinstance(event, Up):
                self._up.set()
            elif isinstance(event, Inbound):
                self.topics.append(event.topic)
                self.link.ack(event)

    async def connected(self) -> None:
        async with asyncio.timeout(20):
            await self._up.wait()


@asynccontextmanager
async def client(stage: Stage, settings: MqttSettings, *filters: str) -> AsyncIterator[Heard]:
    heard = Heard(MqttLink(settings, filters, None, stage.clock))
    await heard.link.start()
    listening = asyncio.create_task(heard.listen())
    try:
        await heard.connected()
        yield heard
    finally:
        await heard.link.stop()
        listening.cancel()


async def _hears(heard: Heard, by: Heard, topic: str) -> None:
    """Once this has come, whatever was said before it has come too, or never will."""
    await by.link.publish(topic, b"after all of it")
    await eventually(lambda: topic in heard.topics)


async def test_no_name_opens_a_branch_of_another(stage: Stage) -> None:
    """mosquitto refuses `+` and `#` in a name, and puts a slash into the pattern as it is: that is shut by us."""
    region = client(stage, stage.region(REGION_USER), *region_subscriptions())
    victim = client(stage, stage.somebody(OTHER, f"{OTHER}-agent"), f"{ROOT}/{OTHER}/dn/#")
    async with region as region_, victim as victim_:
        await region_.link.publish(DESIRED, b"a config", retain=True)
        for number, name in enumerate(NAMES):
            said, told = up(OTHER, "call", f"n{number}"), down(OTHER, "cmd", "volume", f"n{number}")
            own = [f"{ROOT}/{name}/up/{rest}" for rest in ("birth", "c1", "m/health") if not set(name) & set("+#")]
            async with client(stage, stage.somebody(name, f"attacker-{number}"), *EVERYTHING) as attacker:
                for topic in (DESIRED, up(OTHER, "birth"), *own):
                    if topic.startswith(f"{ROOT}/{OTHER}"):
                        with pytest.raises(LinkRefused):
                            await attacker.link.publish(topic, b"forged")
                await _hears(victim_, region_, told)
                await _hears(region_, victim_, said)
                assert attacker.topics == [], name
        assert [topic for topic in region_.topics if OTHER in topic] == [
            up(OTHER, "call", f"n{number}") for number in range(len(NAMES))
        ]
        assert set(victim_.topics) == {DESIRED} | {down(OTHER, "cmd", "volume", f"n{n}") for n in range(len(NAMES))}


async def test_a_station_hears_and_says_what_is_its_own_and_nothing_else(stage: Stage) -> None:
    region = client(stage, stage.region(REGION_USER), *region_subscriptions())
    station = client(stage, stage.station(f"{STATION}-agent"), *EVERYTHING, f"{ROOT}/{STATION}/dn/#")
    async with region as region_, station as station_:
        await region_.link.publish(DESIRED, b"a config", retain=True)
        for topic in (DESIRED, up(OTHER, "birth"), down(STATION, "desired"), "$SYS/broker/uptime", "elsewhere"):
            with pytest.raises(LinkRefused):
                await station_.link.publish(topic, b"forged")
        await _hears(region_, station_, up(STATION, "birth"))
        await _hears(station_, region_, down(STATION, "rebirth"))
        assert set(station_.topics) == {down(STATION, "rebirth")}
        assert region_.topics == [up(STATION, "birth")]


def _die_with_will(settings: MqttSettings, topic: str) -> None:
    """Connect with a Will there, and break off without a word."""
    dying = mqtt.Client(CallbackAPIVersion.VERSION2, settings.client_id, protocol=mqtt.MQTTv5)
    context = ssl.create_default_context(cafile=str(settings.ca))
    context.load_cert_chain(settings.certificate, settings.key)
    dying.tls_set_context(context)
    dying.will_set(topic, b"gone", qos=1, retain=True)
    dying.connect(settings.host, settings.port)
    while not dying.is_connected():
        dying.loop(0.1)
    broken = dying.socket()
    assert broken is not None
    broken.close()


async def test_no_station_leaves_a_will_in_anothers_branch(stage: Stage) -> None:
    async with client(stage, stage.region(REGION_USER), *region_subscriptions()) as region:
        for topic in (up(OTHER, "conn", "agent"), up(STATION, "conn", "agent")):
            await asyncio.to_thread(_die_with_will, stage.station("dying"), topic)
        await eventually(lambda: up(STATION, "conn", "agent") in region.topics)
        assert region.topics == [up(STATION, "conn", "agent")]


def _handshake(stage: Stage, *options: str) -> bool:
    """Whether openssl gets in with these, with a station's certificate, however weak it is itself told to be."""
    station = stage.station("by hand")
    done = subprocess.run(
        ["openssl", "s_client", "-connect", f"{HOST}:{stage.port}", "-CAfile", station.ca, "-cert", station.certificate,
         "-key", station.key, "-verify_return_error", *options],
        input="", capture_output=True, text=True, timeout=20, check=False,
    )  # fmt: skip
    return done.returncode == 0 and "Cipher is (NONE)" not in done.stdout


async def test_only_tls_that_is_good_enough_is_spoken(stage: Stage) -> None:
    for taken in (["-tls1_3"], ["-tls1_2"], ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256"]):
        assert await asyncio.to_thread(_handshake, stage, *taken), taken
    for version, cipher in (("-tls1_1", "ALL"), ("-tls1", "ALL"), ("-tls1_2", "ECDHE-ECDSA-AES256-SHA")):
        refused = [version, "-cipher", f"{cipher}:@SECLEVEL=0"]
        assert not await asyncio.to_thread(_handshake, stage, *refused), refused
