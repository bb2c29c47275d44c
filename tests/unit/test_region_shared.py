"""What the region's processes share: turns, news, whoever is on duty; on each database where the database decides."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.clock import SystemClock
from region.errors import AlreadyServed
from region.registry import Registry, database_url
from region.registry.news import Ears, Heard
from region.serving.duty import Duty
from region.serving.options import ServeOptions
from region.serving.outside import alone_where_it_must_be
from region.web.events import Hub, Lease
from region.web.relay import Relay
from tests.kits.eventually import eventually


async def test_of_two_who_want_the_same_turn_one_waits_for_the_other(registry: Registry, beside: Registry) -> None:
    story: list[str] = []
    other = registry if registry.is_sqlite else beside  # SQLite has one process

    async def second() -> None:
        async with other.alone("a station"):
            story.append("second")

    async with registry.alone("somebody", "a station"):
        waiting = asyncio.create_task(second())
        async with other.alone("another station"):
            story.append("nobody waits for another's turn")
        await asyncio.wait([waiting], timeout=0.05)
        story.append("first")
    await waiting
    assert story == ["nobody waits for another's turn", "first", "second"]


async def nothing() -> None:
    """What these do while they stand by."""


async def test_one_is_on_duty_and_the_next_takes_over_when_it_goes(registry: Registry, beside: Registry) -> None:
    other = registry if registry.is_sqlite else beside
    on_duty: asyncio.Queue[str] = asyncio.Queue()

    def process(name: str, database: Registry) -> asyncio.Task[None]:
        async def work() -> None:
            on_duty.put_nowait(name)
            await asyncio.Event().wait()

        return asyncio.create_task(Duty(database, SystemClock(), [("work", work)], nothing).run())

    first = process("first", registry)
    assert await asyncio.wait_for(on_duty.get(), 10) == "first"
    second = process("second", other)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(on_duty.get(), 0.1)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    assert await asyncio.wait_for(on_duty.get(), 10) == "second"
    second.cancel()
    await asyncio.gather(second, return_exceptions=True)


async def test_one_that_is_stopped_while_it_asks_whether_it_is_still_on_duty_stops(registry: Registry) -> None:
    on_duty = asyncio.Event()

    async def work() -> None:
        on_duty.set()  # just as the first question goes out
        await asyncio.Event().wait()

    running = asyncio.create_task(Duty(registry, SystemClock(), [("work", work)], nothing).run())
    await on_duty.wait()
    running.cancel()
    await asyncio.wait([running], timeout=10)
    assert running.cancelled()


async def test_one_that_stands_by_does_what_there_is_to_do_meanwhile(registry: Registry, beside: Registry) -> None:
    if registry.is_sqlite:
        return
    stood_by = asyncio.Event()

    async def stand_by() -> None:
        stood_by.set()

    async with registry.holding("duty"):
        running = asyncio.create_task(Duty(beside, SystemClock(), [], stand_by).run())
        async with asyncio.timeout(10):
            await stood_by.wait()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_one_that_loses_its_database_stops_and_waits_for_its_turn_again(
    registry: Registry, beside: Registry
) -> None:
    if registry.is_sqlite:
        return
    on_duty: list[str] = []

    async def work() -> None:
        on_duty.append("begun")
        try:
            await asyncio.Event().wait()
        finally:
            on_duty.append("ended")

    running = asyncio.create_task(Duty(registry, SystemClock(), [("work", work)], nothing).run())
    await eventually(lambda: on_duty == ["begun"])
    async with beside.begin() as t:
        await t.calls._connection.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND pid <> pg_backend_pid()"
        )
    await eventually(lambda: on_duty == ["begun", "ended", "begun"], 20)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


@pytest.mark.parametrize("size", [0, 20_000])
async def test_what_one_process_tells_is_heard_by_the_others_and_not_by_itself(
    registry: Registry, beside: Registry, size: int
) -> None:
    if registry.is_sqlite:
        return  # one process
    clock, told, signed_in = SystemClock(), "Blåbær " + "x" * size, True

    async def holds() -> bool:
        return signed_in

    hubs = [Hub(clock), Hub(clock)]
    streams = [hub.stream(["a topic"], Lease(holds, "anna")) for hub in hubs]
    for stream in streams:
        assert await anext(stream) == ": listening\n\n"
    running = [asyncio.create_task(Relay(r, hub, clock).run()) for r, hub in zip((registry, beside), hubs, strict=True)]
    for stream in streams:
        assert "resync" in await anext(stream), "what was told before is fetched anew"
    hubs[0].publish("a topic", "news", {"text": told})
    own, others = [await anext(stream) for stream in streams]
    assert own == others
    assert told in own
    with pytest.raises(LookupError):
        async with registry.begin() as t:
            await t.news.tell("a topic", "news", "of what was not committed")
            raise LookupError
    hubs[1].publish("a topic", "last")
    assert [await anext(stream) for stream in streams] == ["event: last\ndata: null\n\n"] * 2
    signed_in = False
    hubs[0].doubt("anna")
    assert [await anext(stream) for stream in streams] == ["event: signed_out\ndata: {}\n\n"] * 2
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)


async def test_the_listening_page_is_told_where_the_connection_to_the_database_was_lost(
    registry: Registry, beside: Registry
) -> None:
    if registry.is_sqlite:
        return
    hub = Hub(SystemClock())
    stream = hub.stream(["a topic"])
    await anext(stream)
    running = asyncio.create_task(Relay(registry, hub, SystemClock()).run())
    assert "resync" in await anext(stream)
    async with beside.begin() as t:
        await t.calls._connection.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'"
        )
    async with asyncio.timeout(20):
        assert "resync" in await anext(stream)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


@given(st.lists(st.one_of(st.text(max_size=40), st.from_regex(r"\Ab [0-9] [0-9] [0-9] \[.{0,9}\Z")), max_size=30))
def test_whatever_is_said_on_the_channel_hurts_nobody(said: list[str]) -> None:
    heard: list[Heard | None] = []
    ears = Ears("a", heard.append)
    for one in said:
        ears.take(one)
    ears.take('b x 0 1 ["topic","event",7]')
    assert heard[-1] == Heard("topic", "event", 7)


async def test_a_second_region_on_the_same_data_is_refused_with_what_to_do(tmp_path: Path) -> None:
    registry, options = Registry(database_url(tmp_path)), ServeOptions(tmp_path)
    elsewhere = ServeOptions(tmp_path / "elsewhere", database=database_url(tmp_path))
    elsewhere.data.mkdir()
    async with alone_where_it_must_be(options, registry):
        for second in (options, elsewhere):
            with pytest.raises(AlreadyServed, match="Several at a time need PostgreSQL"):
                async with alone_where_it_must_be(second, registry):
                    pass
    async with alone_where_it_must_be(options, registry):
        pass
    await registry.close()


async def test_a_second_region_with_a_broker_of_its_own_is_refused(
    registry: Registry, beside: Registry, tmp_path: Path
) -> None:
    if registry.is_sqlite:
        return
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    async with alone_where_it_must_be(ServeOptions(tmp_path / "a"), registry):
        with pytest.raises(AlreadyServed, match="--broker and --authority"):
            async with alone_where_it_must_be(ServeOptions(tmp_path / "b"), beside):
                pass
        shared = ServeOptions(tmp_path / "b", broker="broker.test:8883", authority=tmp_path / "authority.sock")
        async with alone_where_it_must_be(shared, beside):
            pass
