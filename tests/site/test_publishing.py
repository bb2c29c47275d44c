"""Desired config on its way: in batches, by one process at a time, and again what the broker did not take."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from messaging.codec import decode
from messaging.errors import OversizedMessage
from messaging.link.port import LinkDown
from messaging.signed import Word, carried, read_word
from messaging.topics import down
from messaging.twin import Config
from provisioning.authority.errors import AuthorityAway
from region.registry import Registry
from region.stations.publishing import Publisher
from region.stations.sending import LEASE_S
from tests.kits.clock import ManualClock
from tests.kits.region.app import FakeDownlink, FaultyDownlink
from tests.kits.trust.signing import SigningKit, said

NOW = 1_800_000_000.0


async def stand(registry: Registry, count: int) -> None:
    async with registry.begin() as t:
        site = await t.sites.add("Solgården", NOW)
        for number in range(count):
            await t.stations.add(f"Stue {number}", site.id, None, NOW)


def publisher_of(registry: Registry, downlink: FakeDownlink) -> Publisher:
    clock = ManualClock()
    return Publisher(registry, downlink, SigningKit(clock), clock)


async def test_one_process_publishes_and_the_other_takes_over_when_it_has_gone(
    registry: Registry, beside: Registry
) -> None:
    await stand(registry, 3)
    clock = ManualClock()
    one, other = [Publisher(which, FakeDownlink(), SigningKit(clock), clock) for which in (registry, beside)]
    assert [await one.look(), await other.look()] == [3, 0]
    async with registry.begin() as t:
        await t.layers.put("region", "", {"volume": 10}, "ivan", NOW)
    assert await other.look() == 0
    await clock.advance(LEASE_S + 1)
    assert await other.look() == 3
    assert await one.look() == 0


async def test_a_lease_is_one_holder_s_until_it_is_given_back(registry: Registry, beside: Registry) -> None:
    async def take(which: Registry, holder: str, now: float) -> bool:
        async with which.begin() as t:
            return await t.leases.take("publisher", holder, now, 30.0)

    assert [await take(registry, "a", 0.0), await take(beside, "b", 29.0)] == [True, False]
    assert [await take(registry, "a", 29.0), await take(beside, "b", 58.0)] == [True, False]
    async with registry.begin() as t:
        await t.leases.give_back("publisher", "b")
        await t.leases.give_back("publisher", "a")
    assert await take(beside, "b", 30.0)


async def test_a_look_when_nothing_waits_writes_nothing(registry: Registry) -> None:
    await stand(registry, 1)
    clock = ManualClock()
    publisher = Publisher(registry, FakeDownlink(), SigningKit(clock), clock)
    await publisher.look()
    await clock.advance(LEASE_S / 2)
    assert await publisher.look() == 0
    async with registry.begin() as t:  # had the look renewed it, it would last longer
        assert await t.leases.take("publisher", "another", clock.wall() + LEASE_S / 2, 1.0)


async def test_what_the_broker_took_is_not_sent_again_and_the_rest_is(registry: Registry) -> None:
    await stand(registry, 5)
    downlink = FaultyDownlink()
    publisher = publisher_of(registry, downlink)
    with pytest.raises(LinkDown):
        await publisher.look()
    downlink.takes = 99
    assert await publisher.look() == 3
    assert len({one.topic for one in downlink.sent}) == len(downlink.sent) == 5


async def test_a_change_made_while_a_batch_is_under_way_goes_out_after_it(registry: Registry) -> None:
    await stand(registry, 1)

    class Meanwhile(FakeDownlink):
        async def send(self, topic: str, message: object, *, retain: bool = False, expiry_s: int | None = None) -> None:
            await super().send(topic, message, retain=retain, expiry_s=expiry_s)
            if len(self.sent) == 1:
                async with registry.begin() as t:
                    await t.layers.put("region", "", {"volume": 10}, "ivan", NOW)

    downlink = Meanwhile()
    assert await publisher_of(registry, downlink).look() == 2
    assert [said(one.message).version for one in downlink.sent] == [1, 2]
    assert said(downlink.sent[-1].message).body["config"]["volume"] == 10


async def test_what_is_published_is_signed_for_that_station_and_by_the_region(registry: Registry) -> None:
    await stand(registry, 3)
    clock, downlink = ManualClock(), FakeDownlink()
    signer = SigningKit(clock)
    await Publisher(registry, downlink, signer, clock).look()
    async with registry.read() as t:
        stations = await t.stations.all()
    for one, sent in zip(
        sorted(stations, key=lambda s: s.id), sorted(downlink.sent, key=lambda s: s.topic), strict=True
    ):
        jws = carried(sent.message)  # type: ignore[arg-type]
        word = read_word(jws, kind="desired", station=one.id, roots=signer.roots, wall=clock.wall(), clock_trusted=True)
        assert (sent.topic, sent.retain, word.version) == (down(one.id, "desired"), True, one.desired_version)
        assert decode(Config, word.body["config"]).station == one.name


class Away(SigningKit):
    """A signer that does not answer until it is back."""

    back = False

    async def sign(self, words: Sequence[Word]) -> list[bytes]:
        if not self.back:
            raise AuthorityAway("the authority does not answer")
        return await super().sign(words)


async def test_a_signer_that_is_away_delays_and_is_said_once_and_nothing_is_lost(
    registry: Registry, caplog: pytest.LogCaptureFixture
) -> None:
    await stand(registry, 3)
    clock, downlink = ManualClock(), FakeDownlink()
    signer = Away(clock)
    publisher = Publisher(registry, downlink, signer, clock)
    running = asyncio.create_task(publisher.run())
    async with asyncio.timeout(20):
        while "authority does not answer" not in caplog.text:
            await clock.advance(1)
        for _ in range(10):
            await clock.advance(1)
        async with registry.begin() as t:
            await t.layers.put("region", "", {"volume": 10}, "ivan", NOW)
        assert downlink.sent == []
        signer.back = True
        while len(downlink.sent) < 3:
            await clock.advance(1)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert caplog.text.count("config waits to be sent") == 1
    assert {said(one.message).body["config"]["volume"] for one in downlink.sent} == {10}


async def test_a_config_too_large_to_sign_holds_up_no_other(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("provisioning.authority.profiles.MOST_BYTES", 10**6)  # as if saved before there was a bound
    await stand(registry, 3)
    downlink = FakeDownlink()
    eap = {
        "method": "peap", "identity": "station", "password": "secret", "server": "radius.example",
        "ca": "-----BEGIN CERTIFICATE-----" + "x" * 8000,
    }  # fmt: skip
    async with registry.begin() as t:
        last = sorted(station.id for station in await t.stations.all())[-1]
        wifi = {f"Net {number}": {"eap": eap} for number in range(6)}
        await t.layers.put("station", last, {"network": {"wifi": wifi}}, "ivan", NOW)
    with pytest.raises(OversizedMessage, match=last):
        await publisher_of(registry, downlink).look()
    assert len(downlink.sent) == 2
    assert last not in {said(one.message).station for one in downlink.sent}
