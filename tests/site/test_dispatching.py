"""Commands on their way: signed, not retained, expiring; by one process, once, and again what may have been lost."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from messaging.command import Progress, read_order
from messaging.link.port import LinkDown
from messaging.signed import Word, carried, read_word
from provisioning.authority.errors import AuthorityAway
from region.registry import Registry
from region.registry.command_progress import GRACE_S
from region.stations.dispatching import Dispatcher
from region.stations.sending import LEASE_S
from tests.kits.clock import ManualClock
from tests.kits.region.app import FakeDownlink, FaultyDownlink
from tests.kits.region.stations import command, connects, leaves, order, stand
from tests.kits.trust.signing import SigningKit


class Stage:
    """A dispatcher, the way to the stations, and who is told."""

    def __init__(self, registry: Registry, clock: ManualClock, downlink: FakeDownlink | None = None) -> None:
        self.downlink = downlink or FakeDownlink()
        self.signer = SigningKit(clock)
        self.news: list[str] = []
        self.clock = clock
        self.dispatcher = Dispatcher(registry, self.downlink, self.signer, clock, self.news.append)

    async def look(self) -> int:
        return await self.dispatcher.look()

    def words(self) -> list[Word]:
        """What was sent, as the stations read it."""
        return [
            read_word(
                carried(_data(sent.message)), kind="command", station=sent.topic.split("/")[3],
                roots=self.signer.roots, wall=self.clock.wall(), clock_trusted=True,
            )
            for sent in self.downlink.sent
        ]  # fmt: skip


def _data(message: object) -> dict[str, Any]:
    assert isinstance(message, dict)
    return message


async def test_a_command_travels_signed_expiring_and_is_never_retained(registry: Registry) -> None:
    clock = ManualClock()
    stage = Stage(registry, clock)
    (station,) = await stand(registry)
    (cid,) = await order(registry, [station], "volume", percent=40)
    await clock.advance(600)
    assert await stage.look() == 1
    (sent,), (word,) = stage.downlink.sent, stage.words()
    assert (sent.topic, sent.retain, sent.expiry_s) == (f"vs/1/d/{station}/dn/cmd/volume/{cid}", False, 3000)
    assert (word.station, word.cid, word.type) == (station, cid, "volume")
    assert word.expires == (await command(registry, cid)).expires_at
    assert read_order("volume", word.body) == read_order("volume", {"percent": 40})
    assert stage.news == [station]


async def test_it_goes_out_once(registry: Registry) -> None:
    clock = ManualClock()
    stage = Stage(registry, clock)
    (station,) = await stand(registry)
    await order(registry, [station])
    assert [await stage.look() for _ in range(3)] == [1, 0, 0]


async def test_a_station_that_is_away_gets_it_when_it_comes_and_a_later_one_at_its_time(registry: Registry) -> None:
    clock = ManualClock()
    stage = Stage(registry, clock)
    (station,) = await stand(registry, online=False)
    await order(registry, [station], at=clock.wall() + 60)
    assert await stage.look() == 0
    await clock.advance(60)
    assert await stage.look() == 0
    await connects(registry, station, clock.wall())
    assert await stage.look() == 1


async def test_after_a_restart_of_the_region_only_what_was_not_answered_is_sent_again(registry: Registry) -> None:
    clock = ManualClock()
    first = Stage(registry, clock)
    heard, silent = await stand(registry, 2)
    answered, unanswered = await order(registry, [heard, silent])
    assert await first.look() == 2
    async with registry.begin() as t:
        await t.commands.note(answered, heard, "identify", Progress("init"), clock.wall())
    await clock.advance(LEASE_S + 1)
    again = Stage(registry, clock)
    assert await again.look() == 1
    assert [word.cid for word in again.words()] == [unanswered]
    again.dispatcher.broker_came_up()
    assert [await again.look() for _ in range(2)] == [1, 0]


async def test_one_process_sends_and_another_takes_over_when_it_has_gone(registry: Registry, beside: Registry) -> None:
    clock = ManualClock()
    one, other = Stage(registry, clock), Stage(beside, clock)
    (station,) = await stand(registry)
    assert [await one.look(), await other.look()] == [0, 0]
    await order(registry, [station])
    assert [await other.look(), await one.look()] == [0, 1], "the lease is the first one's"
    await order(registry, [station])
    await clock.advance(LEASE_S + 1)
    assert [await other.look(), await one.look()] == [2, 0], "its first look sends again what had no answer"


async def test_one_for_later_is_sent_at_its_time_by_whoever_is_on_duty_then(
    registry: Registry, beside: Registry
) -> None:
    clock = ManualClock()
    evening, night = Stage(registry, clock), Stage(beside, clock)
    (station,) = await stand(registry)
    at = clock.wall() + 8 * 3600
    tonight, unwanted = await order(registry, [station], at=at), await order(registry, [station], at=at)
    assert await evening.look() == 0
    await clock.advance(8 * 3600 - 1)
    assert await night.look() == 0, "not a second before its time"
    async with registry.begin() as t:
        assert await t.commands.cancel(unwanted[0], clock.wall())
    await clock.advance(1)
    assert [await night.look(), await evening.look()] == [1, 0]
    (sent,), (word,) = night.downlink.sent, night.words()
    assert ([word.cid], word.expires, sent.expiry_s) == (tonight, at + 3600, 3600)


async def test_a_look_when_nothing_is_due_writes_nothing(registry: Registry) -> None:
    clock = ManualClock()
    stage = Stage(registry, clock)
    (station,) = await stand(registry)
    await stage.look()
    await clock.advance(LEASE_S / 2)
    await order(registry, [station], at=clock.wall() + 3600)
    assert await stage.look() == 0
    async with registry.begin() as t:  # had the look renewed it, it would last longer
        assert await t.leases.take("dispatcher", "another", clock.wall() + LEASE_S / 2, 1.0)


async def test_what_the_broker_did_not_take_is_sent_when_it_does(registry: Registry) -> None:
    clock, downlink = ManualClock(), FaultyDownlink()
    stage = Stage(registry, clock, downlink)
    await order(registry, await stand(registry, 5))
    with pytest.raises(LinkDown):
        await stage.look()
    downlink.takes = 99
    assert await stage.look() == 3
    assert len({sent.topic for sent in downlink.sent}) == len(downlink.sent) == 5


class Away(SigningKit):
    """The authority's process does not answer."""

    async def sign(self, words: Sequence[Word]) -> list[bytes]:
        raise AuthorityAway("cut by the test")


async def test_while_nobody_signs_nothing_is_sent_and_all_can_be_called_back(registry: Registry) -> None:
    clock = ManualClock()
    stage = Stage(registry, clock)
    (station,) = await stand(registry)
    (cid,) = await order(registry, [station])
    dispatcher = Dispatcher(registry, stage.downlink, Away(clock), clock, stage.news.append)
    with pytest.raises(AuthorityAway):
        await dispatcher.look()
    assert stage.downlink.sent == []
    async with registry.begin() as t:
        assert await t.commands.cancel(cid, clock.wall())


async def test_without_an_answer_it_has_failed_and_the_log_says_so(registry: Registry) -> None:
    clock = ManualClock()
    stage = Stage(registry, clock)
    sent, away = await stand(registry, 2)
    await leaves(registry, away, clock.wall())
    cids = await order(registry, [sent, away], good_for_s=600)
    await stage.look()
    stage.downlink.is_up = False  # it needs no broker to know that time has passed
    await clock.advance(600 + GRACE_S)
    await stage.look()
    assert [(await command(registry, cid)).reason for cid in cids] == ["expired", "expired"]
    assert sorted(stage.news) == sorted([sent, sent, away])
    async with registry.read() as t:
        rows = await t.audit.recent()
    assert {(row.actor, row.action, row.outcome) for row in rows} == {("region", "command.ended", "failed")}


class Back(SigningKit):
    """Away for the first questions, then there."""

    refusals = 2

    async def sign(self, words: Sequence[Word]) -> list[bytes]:
        if self.refusals:
            self.refusals -= 1
            raise AuthorityAway("cut by the test")
        return await super().sign(words)


async def test_its_loop_outlasts_what_is_away_and_gives_the_lease_back(registry: Registry) -> None:
    clock, downlink = ManualClock(), FakeDownlink()
    (station,) = await stand(registry)
    await order(registry, [station])
    running = asyncio.create_task(Dispatcher(registry, downlink, Back(clock), clock, lambda _: None).run())
    while not downlink.sent:
        await clock.advance(1)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    async with registry.begin() as t:
        assert await t.leases.take("dispatcher", "another", clock.wall(), 1.0)
