"""A line that dies in a call, end to end: both screens say so, and the call comes back by itself in the same call."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from tests.bench.line_ends import THROUGH_RELAY
from tests.bench.relay import CLEAR, Impairment, Relay
from tests.browser.desk_page import Desk, desk_of
from tests.kits.house import House, RunningStation, running_house
from tests.kits.promptness import Stopwatch
from tests.kits.servers.dead_line import TcpLine

pytestmark = [pytest.mark.system, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(240)]

CUT = Impairment(loss=1.0)
NOTICED_S, MENDED_S = 2.0, 3.0


@dataclass
class Stage:
    """A station whose media and whose broker are reached by lines that can be cut."""

    house: House
    station: RunningStation
    media: Relay
    broker: TcpLine

    async def cut(self, *, broker: bool = False) -> None:
        await self.media.set(CUT)
        if broker:
            self.broker.die()

    async def mend(self) -> None:
        self.broker.mend()
        await self.media.set(CLEAR)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage() -> AsyncIterator[Stage]:
    async with running_house() as house, Relay() as media, TcpLine(house.broker) as broker:
        station = await house.add_station("Room 4", screen=True, broker=broker.port)
        await house.add_clinician("anna", "Anna Holm")
        yield Stage(house, station, media, broker)


@pytest_asyncio.fixture(loop_scope="module")
async def anna(stage: Stage, browser: Browser) -> AsyncIterator[Desk]:
    async with stage.house.registry.read() as t:
        person = await t.people.find("anna")
    assert person is not None
    desk = await desk_of(browser)

    async def leg() -> dict[str, int]:
        return asdict(await stage.media.leg())

    await desk.page.expose_function("benchLeg", leg)
    await desk.page.add_init_script(THROUGH_RELAY)
    await desk.open(await stage.house.sign_in_link(person))
    await stage.station.rested()
    stage.station.face.press()
    await desk.button("Answer").click()
    await desk.state("live")
    await stage.station.face.state("in_call")
    await asyncio.gather(desk.sees(15), stage.station.face.sees(15))
    yield desk
    await stage.mend()
    if await desk.button("Hang up").is_visible():
        await desk.button("Hang up").click()
    await stage.station.rested()
    await stage.house.nobody_in_call()
    await desk.page.context.close()


async def both_notice(stage: Stage, desk: Desk) -> None:
    """Both screens say that the line is lost, and say it in time."""
    watch = Stopwatch()
    await asyncio.gather(
        stage.station.face.shows(lambda view: view.resuming, "the station notices"), desk.state("lost")
    )
    _in_time("noticed", watch, NOTICED_S)
    await desk.says("The connection is lost. Trying again …")
    view = stage.station.face.view
    assert view is not None
    assert (view.state, view.light) == ("connecting", "live"), "the room is still seen, and the light says so"


async def both_are_back(stage: Stage, desk: Desk, call: str | None) -> None:
    """The same call goes on, with pictures both ways."""
    watch = Stopwatch()
    await asyncio.gather(stage.station.face.state("in_call"), desk.state("live"))
    await asyncio.gather(desk.sees(3), stage.station.face.sees(3))
    _in_time("mended", watch, MENDED_S)
    view = stage.station.face.view
    assert view is not None
    assert (view.call, view.lost_since) == (call, None)
    await asyncio.gather(desk.sees(20), stage.station.face.sees(20))


def _in_time(what: str, watch: Stopwatch, within_s: float) -> None:
    print(f"{what} after {watch}")
    assert watch.within(within_s), f"{what} after {watch}"


@pytest.mark.parametrize(
    ("seconds", "broker"),
    [(3, False), (10, False), (20, False), (10, True), (20, True)],
    ids=["media 3 s", "media 10 s", "media 20 s", "all 10 s", "all 20 s"],
)
async def test_a_line_that_was_away_is_mended_in_the_same_call(
    stage: Stage, anna: Desk, seconds: float, broker: bool
) -> None:
    call = stage.station.face.view and stage.station.face.view.call
    await stage.cut(broker=broker)
    noticed = asyncio.create_task(both_notice(stage, anna))
    await asyncio.sleep(seconds)  # how long the line is dead is the case itself
    await noticed
    await stage.mend()
    await both_are_back(stage, anna, call)


async def test_a_clinics_line_that_was_away_is_mended_in_the_same_call(stage: Stage, anna: Desk) -> None:
    call = stage.station.face.view and stage.station.face.view.call
    await stage.cut()
    await anna.page.context.set_offline(True)
    await both_notice(stage, anna)
    await asyncio.sleep(8)
    await anna.page.context.set_offline(False)
    await stage.mend()
    await both_are_back(stage, anna, call)


async def test_the_resident_may_leave_a_call_whose_line_is_dead(stage: Stage, anna: Desk) -> None:
    await stage.cut(broker=True)
    await both_notice(stage, anna)
    stage.station.face.press()
    watch = Stopwatch()
    await stage.station.face.shows(lambda view: view.reason == "resident_left", "the call is over")
    _in_time("over", watch, 5.0)
    await stage.mend()
    await anna.says("They hung up at the station.")


async def test_after_a_minute_the_page_offers_to_call_again_and_the_resident_is_rung(stage: Stage, anna: Desk) -> None:
    lost = stage.station.face.view and stage.station.face.view.call
    await anna.page.clock.install()  # the page's own time, from here on; it runs on by itself
    await stage.cut()
    await asyncio.gather(stage.station.face.shows(lambda view: view.resuming, "it notices"), anna.state("lost"))
    await anna.page.clock.fast_forward(61_000)
    await anna.says(re.compile("The line has been away for more than a minute"))
    await anna.button("Call again").click()
    await stage.station.face.shows(lambda view: view.state == "ringing" and view.call != lost, "it rings anew")
    await stage.mend()
    stage.station.face.press()
    await anna.state("live")
    await asyncio.gather(anna.sees(10), stage.station.face.sees(10))


async def test_the_region_and_its_broker_may_die_while_the_line_is_dead(stage: Stage, anna: Desk) -> None:
    call = stage.station.face.view and stage.station.face.view.call
    await stage.cut()
    await both_notice(stage, anna)
    stage.house.kill_region()
    await stage.house.region_ready()
    await anna.connected()
    await stage.mend()
    await asyncio.gather(stage.station.face.state("in_call", 30.0), anna.state("live", 30_000))
    await asyncio.gather(anna.sees(20), stage.station.face.sees(20))
    view = stage.station.face.view
    assert view is not None
    assert view.call == call


async def test_a_page_reloaded_while_the_line_is_dead_finds_the_call_again(stage: Stage, anna: Desk) -> None:
    call = stage.station.face.view and stage.station.face.view.call
    await stage.cut()
    await both_notice(stage, anna)
    await anna.page.reload()
    await expect(anna.call).to_be_visible()
    await stage.mend()
    await asyncio.gather(stage.station.face.state("in_call"), anna.state("live"))
    await asyncio.gather(anna.sees(20), stage.station.face.sees(20))
    view = stage.station.face.view
    assert view is not None
    assert view.call == call


async def test_a_goodbye_that_the_line_swallows_is_said_again(stage: Stage, anna: Desk) -> None:
    """The page holds on until the station has let go: while its broker is away, nobody else can tell it."""
    stage.broker.die()
    await stage.media.set(CUT)
    await anna.button("Hang up").click()
    await anna.page.evaluate("new Promise((resolve) => setTimeout(resolve, 600))")
    await stage.media.set(CLEAR)
    await stage.station.face.shows(lambda view: view.reason == "clinician_left", "it hears the goodbye")
