"""Desired config on its way: in batches, by one process at a time, and again what the broker did not take."""

from __future__ import annotations

import pytest

from messaging.clock import ManualClock
from messaging.link.port import LinkDown
from region.registry import Registry
from region.stations.publishing import LEASE_S, Publisher
from tests.region_kit import FakeDownlink

NOW = 1_800_000_000.0


async def stand(registry: Registry, count: int) -> None:
    async with registry.begin() as t:
        site = await t.sites.add("Solgården", NOW)
        for number in range(count):
            await t.stations.add(f"Stue {number}", site.id, None, NOW)


async def test_one_process_publishes_and_the_other_takes_over_when_it_has_gone(
    registry: Registry, beside: Registry
) -> None:
    await stand(registry, 3)
    clock = ManualClock()
    one, other = [Publisher(which, FakeDownlink(), clock) for which in (registry, beside)]
    assert [await one.publish_all(), await other.publish_all()] == [3, 0]
    async with registry.begin() as t:
        await t.layers.put("region", "", {"volume": 10}, "ivan", NOW)
    assert await other.publish_all() == 0
    await clock.advance(LEASE_S + 1)
    assert await other.publish_all() == 3
    assert await one.publish_all() == 0


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
    publisher = Publisher(registry, FakeDownlink(), clock)
    await publisher.publish_all()
    await clock.advance(LEASE_S / 2)
    assert await publisher.publish_all() == 0
    async with registry.begin() as t:  # had the look renewed it, it would last longer
        assert await t.leases.take("publisher", "another", clock.wall() + LEASE_S / 2, 1.0)


class Faulty(FakeDownlink):
    """Takes the first few, then goes down."""

    takes = 2

    async def send(self, topic: str, message: object, *, retain: bool = False, expiry_s: int | None = None) -> None:
        if len(self.sent) >= self.takes:
            raise LinkDown("cut by the test")
        await super().send(topic, message, retain=retain, expiry_s=expiry_s)


async def test_what_the_broker_took_is_not_sent_again_and_the_rest_is(registry: Registry) -> None:
    await stand(registry, 5)
    downlink = Faulty()
    publisher = Publisher(registry, downlink, ManualClock())
    with pytest.raises(LinkDown):
        await publisher.publish_all()
    downlink.takes = 99
    assert await publisher.publish_all() == 3
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
    assert await Publisher(registry, downlink, ManualClock()).publish_all() == 2
    assert [one.message["version"] for one in downlink.sent] == [1, 2]
    assert downlink.sent[-1].message["config"]["volume"] == 10
