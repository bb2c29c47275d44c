"""Each process of the house killed in a call: what the resident and the clinician notice, and how soon all is well."""

from __future__ import annotations

import asyncio
import re
import signal
import time
from collections.abc import AsyncIterator

import psutil
import pytest
import pytest_asyncio
from playwright.async_api import Route, expect

from tests.browser.desk_page import PATIENCE_MS, Desk
from tests.kits.eventually import eventually
from tests.kits.house import READY_S, House, RunningStation
from tests.kits.promptness import Stopwatch
from tests.process.house_stage import (
    back_online,
    one_call,
    presence,
    restarted,
    seen_states,
    talk,
    watch,
)

pytestmark = [pytest.mark.system, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(240)]
NO_REGION = "No connection to the region. Trying again. A call that is running goes on."


@pytest_asyncio.fixture(loop_scope="module")
async def station(house: House, anna: Desk) -> AsyncIterator[RunningStation]:
    """The station, in a call with Anna; afterwards nobody is in a call."""
    (station,) = house.stations
    await station.rested()
    await anna.connected()
    await talk(station, anna)
    yield station
    if station.face.view is not None and station.face.view.state in ("calling", "connecting", "in_call"):
        station.face.press()
    await house.nobody_in_call()


async def test_the_screen_killed_in_a_call_is_back_within_three_seconds_and_the_call_goes_on(
    station: RunningStation, anna: Desk
) -> None:
    old = station.pid("screen")
    async with one_call(station, anna, "the screen killed"):
        station.kill("screen")
        watch = Stopwatch()
        station.mirror.unlink(missing_ok=True)
        pid = await restarted(station, "screen", old)
        await eventually(station.mirror.exists, READY_S)
        print(f"the screen draws again {watch} after its death")
        assert watch.within(3.0, pid=pid, work_s=1.5)


async def test_the_agent_killed_in_a_call_is_back_and_the_call_goes_on(
    house: House, station: RunningStation, anna: Desk
) -> None:
    before, old = await presence(house, station, "agent"), station.pid("agent")
    async with one_call(station, anna, "the agent killed"):
        station.kill("agent")
        watch = Stopwatch()
        now = await back_online(house, station, "agent", before)
        print(f"the agent is online again {watch} after its death")
        assert now.boot != before.boot
        assert watch.within(3.0, pid=await restarted(station, "agent", old), work_s=1.5)


async def test_the_region_killed_in_a_call_goes_unnoticed_by_it_and_has_the_call_again_when_it_returns(
    house: House, station: RunningStation, anna: Desk
) -> None:
    before = await presence(house, station, "call")
    async with one_call(station, anna, "the region killed"):
        began = time.monotonic()
        async with house.without_region():
            await anna.says(NO_REGION)
        await house.region_ready()
        await anna.connected()
        print(f"the region has the page again {time.monotonic() - began:.2f} s after its death")
        await back_online(house, station, "call", before)
        print(f"and the station after {time.monotonic() - began:.2f} s")
        await anna.says("In a call with Anna Holm")
    await anna.button("Hang up").click()
    await anna.says("You hung up.")
    await station.face.shows(lambda view: view.reason == "clinician_left", "the screen says who left")
    await house.nobody_in_call()
    assert [(row.actor, row.outcome) for row in await house.audit("call.ended")][-1] == ("anna", "clinician_left")
    await station.rested()  # until its devices are shut it is busy
    await anna.button("Call").click()
    await station.face.state("ringing")
    station.face.press()
    await anna.state("live")
    await asyncio.gather(anna.sees(10), station.face.sees(10))


async def test_a_resident_who_hangs_up_while_the_region_is_dead_leaves_nothing_behind(
    house: House, station: RunningStation, anna: Desk
) -> None:
    await watch(anna)
    async with house.without_region():
        await anna.says(NO_REGION)
        station.face.press()
        await anna.says("They hung up at the station.")
    await house.region_ready()
    await anna.connected()
    await house.nobody_in_call()
    assert [(row.actor, row.outcome) for row in await house.audit("call.ended")][-1] == (station.id, "resident_left")
    await station.rested()
    await anna.says("Ready")
    assert await seen_states(anna) == ["live", "ended"]
    await talk(station, anna)


async def test_the_clinician_is_free_again_though_the_station_never_comes_back_to_say_that_it_hung_up(
    house: House, station: RunningStation, anna: Desk
) -> None:
    async def lost(route: Route) -> None:
        await route.abort()

    await watch(anna)
    await anna.page.route("**/desk/calls/*/hangup", lost, times=2)
    async with house.without_region():
        await anna.says(NO_REGION)
        station.face.press()
        await anna.says("They hung up at the station.")
        station.kill("call", signal.SIGSTOP)
    try:
        await house.region_ready()
        await anna.connected()
        await house.nobody_in_call()
        assert await seen_states(anna) == ["live", "ended"], "the page did not begin anew in a call that is over"
    finally:
        station.kill("call", signal.SIGCONT)
    assert [(row.actor, row.outcome) for row in await house.audit("call.ended")][-1] == (station.id, "resident_left")
    await station.rested()
    await talk(station, anna)


async def test_a_clinician_who_hangs_up_while_the_region_is_dead_is_heard_at_the_station_and_by_the_region_later(
    house: House, station: RunningStation, anna: Desk
) -> None:
    async with house.without_region():
        await anna.says(NO_REGION)
        await anna.button("Hang up").click()
        await station.face.shows(lambda view: view.reason == "clinician_left", "the screen says who left")
    await house.region_ready()
    await anna.connected()
    await house.nobody_in_call()
    assert [(row.actor, row.outcome) for row in await house.audit("call.ended")][-1] == ("anna", "clinician_left")
    await station.rested()
    await talk(station, anna)


async def test_the_broker_killed_alone_goes_unnoticed_by_the_call(
    house: House, station: RunningStation, anna: Desk
) -> None:
    before = await presence(house, station, "call")
    children = psutil.Process(house.processes.pids["region"]).children()
    (broker,) = (child for child in children if child.name() == "mosquitto")
    async with one_call(station, anna, "the broker killed"):
        broker.kill()
        began = time.monotonic()
        await back_online(house, station, "call", before)
        print(f"the region hears the station again {time.monotonic() - began:.2f} s after the broker's death")
    station.face.press()
    await anna.says("They hung up at the station.")
    await house.nobody_in_call()
    await station.rested()
    await talk(station, anna)


async def test_the_call_process_killed_is_told_within_five_seconds_and_ready_again_within_three(
    house: House, station: RunningStation, anna: Desk
) -> None:
    old = station.pid("call")

    async def told() -> None:
        await expect(anna.call).not_to_have_attribute("data-state", "live", timeout=PATIENCE_MS)
        await anna.says(re.compile("The station was restarted|The connection is lost"))
        print(f"the call process killed: told to the clinician after {watch}")
        assert watch.within(5.0)

    async def ready() -> None:
        await station.ready()
        print(f"the call process killed: ready for a press after {watch}")
        assert watch.within(3.0, pid=await restarted(station, "call", old), work_s=2.0)

    station.kill("call")
    watch = Stopwatch()
    await asyncio.gather(told(), ready())
    await anna.says("The station was restarted. You can call it again.")
    await house.nobody_in_call()
    assert [row.outcome for row in await house.audit("call.ended")][-1] == "station_restarted"
    await talk(station, anna)
    await asyncio.gather(anna.sees(30), station.face.sees(30))


async def test_a_station_that_freezes_is_told_within_five_seconds_and_the_call_goes_on_when_it_thaws(
    station: RunningStation, anna: Desk
) -> None:
    view = await station.face.state("in_call")
    station.kill("call", signal.SIGSTOP)
    watch = Stopwatch()
    try:
        await anna.says("The connection is lost. Trying again …")
        print(f"the call process frozen: told to the clinician after {watch}")
        assert watch.within(5.0)
    finally:
        station.kill("call", signal.SIGCONT)
    await anna.state("live")
    await asyncio.gather(anna.sees(30), station.face.sees(30))
    assert (await station.face.state("in_call")).call == view.call


@pytest.mark.parametrize("process", ["screen", "agent"])
async def test_a_process_told_to_end_in_a_call_ends_in_order_and_the_call_goes_on(
    station: RunningStation, anna: Desk, process: str
) -> None:
    old, helpers = station.pid(process), psutil.Process(station.pid(process)).children(recursive=True)
    async with one_call(station, anna, f"the {process} told to end"):
        station.kill(process, signal.SIGTERM)
        await restarted(station, process, old)
    assert station.processes.exits[f"{station.id}-{process}"] == 0
    assert not psutil.wait_procs(helpers, timeout=5)[1]


async def test_the_call_process_told_to_end_in_a_call_says_goodbye_and_lets_go_of_everything(
    station: RunningStation, anna: Desk
) -> None:
    old, helpers = station.pid("call"), psutil.Process(station.pid("call")).children(recursive=True)
    station.kill("call", signal.SIGTERM)
    await anna.says("The station was restarted. You can call it again.")
    await restarted(station, "call", old)
    assert station.processes.exits[f"{station.id}-call"] == 0
    assert not psutil.wait_procs(helpers, timeout=5)[1]
    view = await station.face.state("idle")
    assert view.light == "ready"
    await talk(station, anna)
