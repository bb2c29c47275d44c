"""A station killed together with its mosquitto, which had kept nothing: no Will tells of it, the roll call does."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from device.call.signalling import Signalling
from messaging.clock import SystemClock
from messaging.envelope import Sealer
from messaging.link.mqtt import MqttLink, MqttSettings
from messaging.topics import region_subscriptions
from region.fleet.whole import one_of_the_fleet
from region.registry import Registry
from region.serving.attendance import ANSWER_WITHIN_S, ASK_AFTER_S, QUESTIONS, Attendance
from region.serving.roll_call import RollCall
from region.serving.wire import Wire
from tests.kits.clock import ManualClock
from tests.kits.eventually import eventually
from tests.kits.servers.broker import Broker, running_broker
from tests.kits.servers.databases import ready_sqlite

pytestmark = pytest.mark.system


def signalling(settings: MqttSettings, station: str) -> Signalling:
    """A station's call program at the broker, as the station has it."""
    clock = SystemClock()
    sealer = Sealer(clock.monotonic, clock.wall)
    return Signalling(
        station, lambda subscriptions, will: MqttLink(settings, subscriptions, will, clock), clock, sealer, {},
        lambda _event: None,
    )  # fmt: skip


async def speaks(settings: MqttSettings, station: str) -> None:
    """Be there until killed."""
    there = signalling(settings, station)
    await there.connect()
    await there.run()


def doomed(settings: MqttSettings, station: str) -> subprocess.Popen[bytes]:
    """The same in a process of its own."""
    words = (settings.host, settings.port, settings.client_id, *map(str, (settings.ca, settings.certificate)))
    program = (
        "import asyncio, pathlib, sys; from messaging.link.mqtt import MqttSettings; "
        "from tests.process.test_lost_with_its_broker import speaks; h, p, c, *files, s = sys.argv[1:]; "
        "asyncio.run(speaks(MqttSettings(h, int(p), c, *map(pathlib.Path, files)), s))"
    )
    return subprocess.Popen([sys.executable, "-c", program, *map(str, words), str(settings.key), station])


@asynccontextmanager
async def running(*work: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    """All of it, until left."""
    tasks = [asyncio.ensure_future(one()) for one in work]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_it_is_not_shown_as_connected_any_more_and_the_one_that_lives_is(tmp_path: Path) -> None:
    registry, clock, attendance = Registry(ready_sqlite(tmp_path)), ManualClock(wall=SystemClock().wall()), Attendance()
    async with registry.begin() as t:
        site, clinic = await t.sites.add("Solgården", 1.0), await t.clinics.add("Bakkens Klinik", "", 1.0)
        lost, lives = [(await t.stations.add(f"Stue {n}", site.id, clinic.id, 1.0)).id for n in (4, 5)]

    async def states() -> tuple[str, ...]:
        async with registry.read() as t:
            known = [await t.reports.presence(one, "call") for one in (lost, lives)]
        return tuple("" if one is None else one.state for one in known)

    async def is_back() -> bool:
        async with registry.read() as t:
            known = await t.reports.presence(lives, "call")
        return known is not None and known.bd == 2

    async def become(*wanted: str) -> None:
        async def are_so() -> bool:
            return await states() == wanted

        await eventually(are_so, why=lambda: list(broker.log)[-20:])

    with running_broker(tmp_path / "broker") as broker:
        link = MqttLink(broker.settings("region"), region_subscriptions(), None, SystemClock())
        wire = Wire(link, registry, clock, attendance=attendance)
        roll_call = RollCall(attendance, registry, wire, clock)
        wire.when_up(roll_call.hears_again)
        there = signalling(broker.settings(lives, f"{lives}-call"), lives)
        await there.connect()
        dies = doomed(broker.settings(lost, f"{lost}-call"), lost)
        async with AsyncExitStack() as stack:
            stack.callback(dies.kill)
            await stack.enter_async_context(running(wire.run, there.run))
            await become("online", "online")
            _lose_both(broker, dies)
            await eventually(is_back, 60.0, why=lambda: list(broker.log)[-20:])
            assert await states() == ("online", "online")
            assert (await one_of_the_fleet(registry, lost, clock.wall())).standing.ready, "nobody has told"
            asked_again = ([(lost, "call")], [])  # not the one that has answered
            await clock.advance(ASK_AFTER_S)
            for _ in range(QUESTIONS):
                await roll_call.look()
                await eventually(lambda: attendance.to_ask(clock.monotonic() + ANSWER_WITHIN_S, 2) in asked_again)
                await clock.advance(ANSWER_WITHIN_S)
            await roll_call.look()
            await become("unheard", "online")
            stands = (await one_of_the_fleet(registry, lost, clock.wall())).standing
            assert (stands.ready, stands.remarks[0].code) == (False, "unheard")
            assert (await one_of_the_fleet(registry, lives, clock.wall())).standing.ready
    await registry.close()


def _lose_both(broker: Broker, station: subprocess.Popen[bytes]) -> None:
    """Power that goes for both at once; the broker comes back with nothing of what it knew."""
    broker.stop(kill=True)
    station.kill()
    station.wait()
    (broker.folder / "mosquitto.db").unlink(missing_ok=True)
    broker.start()
