"""Commands in the database: what is due, who may still call it back, and how far each has come. On both databases."""

from __future__ import annotations

import asyncio

import pytest

from messaging.command import Progress
from region.registry import Conflict, NotFound, Registry
from region.registry.command_progress import GRACE_S, PATIENCE_S
from region.registry.records import Command
from tests.kits.region.stations import NOW, command, connects, leaves, order, stand


async def due(registry: Registry, now: float = NOW) -> list[str]:
    async with registry.read() as t:
        return sorted(one.id for one in await t.commands.due(now, 100))


async def claim(registry: Registry, now: float = NOW) -> list[Command]:
    async with registry.begin() as t:
        return await t.commands.claim(await t.commands.due(now, 100), now)


async def tells(registry: Registry, cid: str, station: str, told: Progress, at: float = NOW + 5) -> Command | None:
    async with registry.begin() as t:
        return await t.commands.note(cid, station, "identify", told, at)


async def test_it_is_due_while_its_station_is_there_and_it_is_good(registry: Registry) -> None:
    here, away, barred = await stand(registry, 3)
    await leaves(registry, away, NOW)
    async with registry.begin() as t:
        await t.stations.set_admission(barred, "quarantined")
    (now,) = await order(registry, [here])
    (later,) = await order(registry, [here], at=NOW + 600)
    await order(registry, [away, barred])
    assert (await command(registry, now)).state == "init"
    assert (await command(registry, later)).state == "scheduled"
    assert await due(registry) == [now]
    assert await due(registry, NOW + 600) == sorted([now, later])
    assert await due(registry, NOW + 3599) == [later]
    await connects(registry, away, NOW + 10)
    assert len(await due(registry)) == 2


async def test_it_is_sent_once_and_again_only_when_it_may_have_been_lost(registry: Registry) -> None:
    (station,) = await stand(registry)
    (cid,) = await order(registry, [station])
    assert [one.id for one in await claim(registry)] == [cid]
    assert await due(registry) == []
    await connects(registry, station, NOW + 30, bd=2)
    assert [one.id for one in await claim(registry, NOW + 31)] == [cid]
    async with registry.begin() as t:
        await t.commands.send_again()
    assert [one.id for one in await claim(registry, NOW + 32)] == [cid]
    await tells(registry, cid, station, Progress("init"))
    async with registry.begin() as t:
        await t.commands.send_again()
    await connects(registry, station, NOW + 60, bd=3)
    assert await due(registry, NOW + 61) == [], "the station has it in its journal"


async def test_what_did_not_get_to_the_broker_is_due_again(registry: Registry) -> None:
    (station,) = await stand(registry)
    for tried in (False, True):
        (cid,) = await order(registry, [station])
        async with registry.begin() as t:
            await t.commands.gives_up([one for one in await t.commands.claim(await t.commands.due(NOW, 9), NOW)
                                       if one.id == cid], tried=tried)  # fmt: skip
        assert await due(registry) == [cid]
        async with registry.begin() as t:
            assert await t.commands.cancel(cid, NOW) is not tried, "what may have got there cannot be called back"
        await tells(registry, cid, station, Progress("successful"))


async def test_one_of_calling_back_and_sending_comes_first(registry: Registry, beside: Registry) -> None:
    (station,) = await stand(registry)
    for _ in range(10):
        (cid,) = await order(registry, [station])

        async def cancel(which: str) -> bool:
            async with beside.begin() as t:
                return await t.commands.cancel(which, NOW)

        claimed, cancelled = await asyncio.gather(claim(registry), cancel(cid))
        assert bool(claimed) is not cancelled
        assert (await command(registry, cid)).reason == ("cancelled" if cancelled else "")
        await tells(registry, cid, station, Progress("failed", "busy"))


async def test_a_station_tells_of_its_own_commands_alone(registry: Registry) -> None:
    mine, other = await stand(registry, 2)
    (cid,) = await order(registry, [mine])
    for whose, which in ((other, cid), (mine, "0" * 16)):
        with pytest.raises(NotFound):
            await tells(registry, which, whose, Progress("executing"))
    async with registry.begin() as t:
        with pytest.raises(NotFound):
            await t.commands.note(cid, mine, "reboot", Progress("executing"), NOW)
    assert (await command(registry, cid)).state == "init"


async def test_each_step_is_noted_with_its_time_and_what_is_late_is_not(registry: Registry) -> None:
    (station,) = await stand(registry)
    (cid,) = await order(registry, [station])
    for at, told in ((1.0, Progress("scheduled", "in_call")), (2.0, Progress("executing"))):
        assert await tells(registry, cid, station, told, NOW + at) is not None
    assert await tells(registry, cid, station, Progress("scheduled"), NOW + 3) is None
    done = await tells(registry, cid, station, Progress("successful", "", {"level": 3.5}), NOW + 4)
    assert done is not None
    assert (done.state, done.by_station, done.figures) == ("successful", True, {"level": 3.5})
    assert (done.scheduled_at, done.executing_at, done.ended_at) == (NOW + 1, NOW + 2, NOW + 4)
    assert await tells(registry, cid, station, Progress("failed", "error"), NOW + 5) is None
    early = await order(registry, [station])
    noted = await tells(registry, early[0], station, Progress("executing"), 5.0)
    assert noted is not None
    assert noted.executing_at == NOW, "no clock of a station's says that it was done before it was given"


async def test_two_that_take_the_same_news_at_once_leave_the_further_one(registry: Registry, beside: Registry) -> None:
    (station,) = await stand(registry)
    for _ in range(5):
        (cid,) = await order(registry, [station])
        news = [Progress("executing"), Progress("successful"), Progress("init")]
        await asyncio.gather(*(tells(which, cid, station, one) for one in news for which in (registry, beside)))
        assert (await command(registry, cid)).state == "successful"


async def test_without_an_answer_it_is_ended_and_a_late_answer_is_believed(registry: Registry) -> None:
    unsent, sent, begun = await stand(registry, 3)
    cids = {"unsent": (await order(registry, [unsent]))[0]}
    await leaves(registry, unsent, NOW)
    cids |= {"sent": (await order(registry, [sent]))[0], "begun": (await order(registry, [begun]))[0]}
    await claim(registry)
    await tells(registry, cids["begun"], begun, Progress("executing"))

    async def ended(now: float) -> list[str]:
        async with registry.begin() as t:
            assert await t.commands.waits(now, to_send=False)
            return [one.id for one in await t.commands.end_overdue(now, 10)]

    assert await ended(NOW + 3600) == [cids["unsent"]]
    assert await ended(NOW + 3600 + GRACE_S) == [cids["sent"]]
    assert await ended(NOW + 3600 + PATIENCE_S) == [cids["begun"]]
    assert {one: (await command(registry, cid)).reason for one, cid in cids.items()} == {
        "unsent": "expired", "sent": "expired", "begun": "no_answer"
    }  # fmt: skip
    async with registry.read() as t:
        assert not await t.commands.waits(NOW + 1e7, to_send=True)
    late = await tells(registry, cids["sent"], sent, Progress("successful"))
    assert late is not None
    assert (late.state, late.reason) == ("successful", "")


async def test_they_are_listed_the_latest_first(registry: Registry) -> None:
    one, other = await stand(registry, 2)
    (first,) = await order(registry, [one])
    both = await order(registry, [one, other], now=NOW + 1)
    await tells(registry, first, one, Progress("failed", "error"))
    async with registry.read() as t:
        everything = await t.commands.recent()
        batch = next(found.batch for found in everything if found.id == both[0])
        assert [found.id for found in everything][-1] == first
        assert {found.id for found in await t.commands.recent(only_open=True)} == set(both)
        assert {found.id for found in await t.commands.recent(batch=batch)} == set(both)
        assert [found.id for found in await t.commands.recent(1, station_id=one)] == [both[0]]
        assert await t.commands.burdened(2) == set()
        assert await t.commands.burdened(1) == {one, other}


async def test_an_id_is_given_once_and_to_a_station_that_there_is(registry: Registry) -> None:
    (station,) = await stand(registry)
    (cid,) = await order(registry, [station])
    for cids in ({station: cid}, {"st-00000000": "a" * 16}):
        with pytest.raises(Conflict):
            await order(registry, list(cids), cids=cids)


async def test_a_registry_that_was_restored_has_nothing_done_again(registry: Registry) -> None:
    """What was called back or done after the backup stands in it as if it were to be done."""
    (station,) = await stand(registry)
    (cid,) = await order(registry, [station])
    async with registry.begin() as t:
        await t.after_restore.settle(NOW + 60)
    assert await due(registry, NOW + 60) == []
    assert (await command(registry, cid)).reason == "restored"
