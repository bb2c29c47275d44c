"""What the region counts on of mosquitto: lists read at SIGHUP and held to, client ids taken over."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from messaging.link.mqtt import MqttLink, knock
from messaging.link.port import Down, Inbound, LinkDown, LinkRefused, Up
from messaging.topics import region_subscriptions, up
from provisioning.authority.vault import open_authority
from region.broker import MOST_AT_ONCE, REGION_USER, configuration
from tests.kits.clock import ManualClock
from tests.process.broker_stage import HOST, STATION, Stage, running_stage

pytestmark = pytest.mark.system


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with running_stage(tmp_path) as stage:
        yield stage


async def test_the_region_takes_a_station_s_client_id_over_and_it_is_cut_off(stage: Stage) -> None:
    link = MqttLink(stage.station(f"{STATION}-call"), (), None, stage.clock)
    await link.start()
    events = link.events()
    try:
        async with asyncio.timeout(20):
            while not isinstance(await anext(events), Up):
                continue
            await knock(stage.region(f"{STATION}-call"))
            while not isinstance(await anext(events), Down):
                continue
    finally:
        await link.stop()


async def test_an_open_connection_may_do_nothing_any_more_once_the_access_list_says_so(stage: Stage) -> None:
    link = MqttLink(stage.station(f"{STATION}-agent"), (), None, stage.clock)
    await link.start()
    events = link.events()
    try:
        async with asyncio.timeout(20):
            while not isinstance(await anext(events), Up):
                continue
            await link.publish(f"vs/1/d/{STATION}/up/birth", b"x")
            stage.lists(2, shut_out=(STATION,))
            stage.broker.reload()
            with pytest.raises(LinkRefused):
                while True:
                    await link.publish(f"vs/1/d/{STATION}/up/birth", b"x")
                    await stage.clock.sleep(0.05)
    finally:
        await link.stop()


async def test_a_revoked_certificate_is_refused_and_one_that_is_released_let_in(stage: Stage) -> None:
    await knock(stage.station("first"))
    stage.lists(2, stage.serial)
    stage.broker.reload()
    await stage.refuses("second")
    await knock(stage.region("region"))
    stage.lists(3)
    stage.broker.reload()
    await stage.lets_in("third")


async def test_a_list_of_years_ago_locks_nobody_out(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.authority = open_authority(tmp_path / "ca", ManualClock())
    stage.lists(1, begins=stage.authority.chain[1].not_valid_before_utc.timestamp() + 60)
    await stage.broker.start()
    try:
        await knock(stage.station("first"))
    finally:
        await stage.broker.stop()


async def test_a_list_past_its_date_locks_everybody_out_until_a_new_one_is_read(stage: Stage) -> None:
    """So mosquitto does, and why the region's lists count as long as their issuer; a new one needs no restart."""
    await knock(stage.station("first"))
    stage.list_that_has_ended(2)
    stage.broker.reload()
    await stage.refuses("second")
    with pytest.raises(LinkDown):
        await knock(stage.region("region"))
    stage.lists(3)
    stage.broker.reload()
    await stage.lets_in("third")


async def test_what_thousands_say_while_the_region_is_away_waits_for_it(stage: Stage) -> None:
    """By mosquitto's own measure it would drop what is over a thousand, without a word to whoever said it."""
    said = 6000
    settings = replace(stage.region(REGION_USER), at_once=MOST_AT_ONCE)
    ears, station = (
        MqttLink(settings, region_subscriptions(), None, stage.clock),
        MqttLink(stage.station(f"{STATION}-agent"), (), None, stage.clock),
    )
    heard: list[bytes] = []
    async with asyncio.timeout(60):
        await ears.start()
        assert await ears.burst(1) == [Up(False)], "from now on it is kept for"
        await ears.stop()
        await station.start()
        assert await station.burst(1) == [Up(False)]
        topic = up(STATION, "m", "health")
        await asyncio.gather(*(station.publish(topic, str(number).encode()) for number in range(said)))
        await ears.start()
        while len(heard) < said:
            for event in await ears.burst(MOST_AT_ONCE):
                if isinstance(event, Inbound):
                    heard.append(event.payload)
                    ears.ack(event)
    await ears.stop()
    await station.stop()
    assert heard == [str(number).encode() for number in range(said)]


async def test_what_is_said_while_the_region_is_away_outlives_the_broker(stage: Stage) -> None:
    """Also after its lists were read again: while the region was there (`Gate.run`)."""

    async def say(text: bytes) -> None:
        station = MqttLink(stage.station(f"{STATION}-agent"), (), None, stage.clock)
        station.hurry(True)
        await station.start()
        while not isinstance((await station.burst(1))[0], Up):
            continue
        await station.publish(up(STATION, "m", "health"), text)
        await station.stop()

    def ears() -> MqttLink:
        return MqttLink(stage.region(REGION_USER), region_subscriptions(), None, stage.clock)

    async with asyncio.timeout(60):
        away, back = ears(), ears()
        await away.start()
        assert await away.burst(1) == [Up(False)]
        stage.lists(2)
        stage.broker.reload()
        await say(b"before")
        await away.burst(1)
        await away.stop()
        await say(b"while it is away")
        await stage.broker.stop()
        await stage.broker.start()
        await say(b"after the restart")
        heard: list[bytes] = []
        await back.start()
        while len(heard) < 3:
            for event in await back.burst(1):
                if isinstance(event, Inbound):
                    heard.append(event.payload)
                    back.ack(event)
        await back.stop()
    assert heard == [b"before", b"while it is away", b"after the restart"], "unacknowledged, it comes again"


def test_nothing_is_set_by_which_a_newer_mosquitto_forgets_who_is_away(tmp_path: Path) -> None:
    """Since 2.0.12 it does with `per_listener_settings`; one listener needs none of its own."""
    told = configuration(tmp_path, HOST, 8403, "region")
    assert "per_listener_settings" not in told
    assert told.count("listener ") == 1
