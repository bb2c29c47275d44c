"""The main job on real input: a press at a real station becomes a video call with a clinician in a real Chromium."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Route, expect

from tests.browser.desk_page import DENY, GRANT, PATIENCE_MS, Desk, chromium, desk_of
from tests.kits.house import House, RunningStation, running_house
from tests.kits.promptness import Stopwatch

pytestmark = [pytest.mark.system, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(180)]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house() -> AsyncIterator[House]:
    async with running_house() as house:
        await house.add_station("Room 4", screen=True)
        await house.add_clinician("anna", "Anna Holm")
        await house.add_clinician("bo", "Bo Lund", "Nurse")
        yield house


@pytest_asyncio.fixture(loop_scope="module")
async def station(house: House) -> AsyncIterator[RunningStation]:
    (station,) = house.stations
    await station.rested()
    yield station
    if station.face.view is not None and station.face.view.state not in ("idle", "feedback", "ending"):
        station.face.press()


@pytest_asyncio.fixture(loop_scope="module")
async def anna(house: House, browser: Browser) -> AsyncIterator[Desk]:
    desk = await desk_for(house, browser, "anna")
    yield desk
    await desk.page.context.close()


async def desk_for(house: House, browser: Browser, name: str) -> Desk:
    """The desk, with that person signed in."""
    async with house.registry.read() as t:
        person = await t.people.find(name)
    assert person is not None
    desk = await desk_of(browser)
    await desk.open(await house.sign_in_link(person))
    return desk


async def talk(station: RunningStation, desk: Desk) -> None:
    """From the press to pictures at both ends."""
    station.face.press()
    await desk.button("Answer").click()
    await desk.state("live")
    await station.face.state("in_call")


async def test_a_press_becomes_a_call_that_both_see_and_hear_and_the_button_ends_it(
    house: House, station: RunningStation, anna: Desk
) -> None:
    await anna.says("Nobody is waiting.")
    idle_screen = station.mirror.read_bytes()
    station.face.press()
    await anna.says("The button was pressed")
    await expect(anna.page.locator("#waiting [data-part=waited]")).to_have_text(re.compile(r"0:(0[1-9]|[1-5]\d)"))
    await anna.button("Answer").click()
    await anna.state("live")
    view = await station.face.state("in_call")
    assert (view.peer_name, view.peer_role) == ("Anna Holm", "GP")
    await asyncio.gather(anna.sees(30), station.face.sees(30))
    assert await anna.hears() > 0.005
    await station.face.hears()
    await expect(anna.page.locator("[data-part=quality]")).to_have_text(re.compile("connection"))
    assert station.mirror.read_bytes() != idle_screen
    station.face.press()
    await anna.says("They hung up at the station.")
    await station.rested()
    await house.nobody_in_call()
    assert [row.outcome for row in await house.audit()][-1] == "resident_left"
    assert anna.complaints == []


async def test_a_clinician_calls_the_resident_answers_and_the_clinician_hangs_up(
    house: House, station: RunningStation, anna: Desk
) -> None:
    await anna.button("Call").click()
    await anna.state("ringing")
    view = await station.face.state("ringing")
    assert view.peer_name == "Anna Holm"
    assert await anna.page.evaluate("document.querySelector('#remote').srcObject") is None, "nobody has agreed yet"
    station.face.press()
    await anna.state("live")
    await station.face.state("in_call")
    await asyncio.gather(anna.sees(30), station.face.sees(30))
    assert await anna.hears() > 0.005
    await station.face.hears()
    await anna.button("Hang up").click()
    await anna.says("You hung up.")
    await station.face.shows(lambda view: view.reason == "clinician_left", "the screen says who left")
    await station.rested()
    await house.nobody_in_call()
    assert [row.actor for row in await house.audit()][-1] == "anna"


async def hold_until_both(desk: Desk, both: asyncio.Barrier) -> None:
    """What the page asks for with its click goes out once the other has clicked too."""

    async def hold(route: Route) -> None:
        await both.wait()
        await route.continue_()

    await desk.page.route("**/desk/calls/*/claim", hold, times=1)


async def test_two_clinicians_click_at_once_and_the_other_is_told_who_was_first(
    house: House, browser: Browser, station: RunningStation, anna: Desk
) -> None:
    bo, both = await desk_for(house, browser, "bo"), asyncio.Barrier(2)
    station.face.press()
    for desk in (anna, bo):
        await expect(desk.button("Answer")).to_be_visible()
    await asyncio.gather(*(hold_until_both(desk, both) for desk in (anna, bo)))
    await asyncio.gather(*(desk.button("Answer").click() for desk in (anna, bo)))
    view = await station.face.state("in_call")
    first, other = (anna, bo) if view.peer_name == "Anna Holm" else (bo, anna)
    await first.state("live")
    await other.says(f"{view.peer_name} was first and has the call.")
    await other.says(f"In a call with {view.peer_name}")
    await first.sees(30)
    await first.button("Hang up").click()
    await station.rested()
    await bo.page.context.close()


async def test_a_reload_in_a_call_goes_on_in_the_same_call(house: House, station: RunningStation, anna: Desk) -> None:
    await talk(station, anna)
    call = station.face.view and station.face.view.call
    await anna.page.reload()
    await anna.state("live")
    await asyncio.gather(anna.sees(30), station.face.sees(30))
    view = await station.face.state("in_call")
    assert view.call == call
    await anna.button("Hang up").click()
    await station.rested()


async def test_a_reload_while_it_rings_at_the_station_goes_on_ringing(station: RunningStation, anna: Desk) -> None:
    await anna.button("Call").click()
    await anna.state("ringing")
    await anna.page.reload()
    await anna.state("ringing")
    await station.face.state("ringing")
    station.face.press()
    await anna.state("live")
    await asyncio.gather(anna.sees(30), station.face.sees(30))
    await anna.button("Hang up").click()
    await station.rested()


async def test_mute_and_camera_off_reach_the_resident_and_the_camera_is_really_let_go(
    station: RunningStation, anna: Desk
) -> None:
    await talk(station, anna)
    await anna.button("Camera off").click()
    await anna.button("Mute").click()
    await station.face.shows(lambda view: not (view.peer_camera or view.peer_microphone), "both are off")
    await expect(anna.page.locator("#own")).to_be_hidden()
    await anna.button("Camera on").click()
    await anna.button("Unmute").click()
    await station.face.shows(lambda view: view.peer_camera and view.peer_microphone, "both are on again")
    await station.face.sees(30)
    await anna.button("Hang up").click()
    await station.rested()


@pytest.mark.parametrize(
    ("permission", "devices", "camera", "microphone"),
    [
        (DENY, True, "the browser may not use the camera", "the browser may not use the microphone"),
        (GRANT, False, "no camera was found", "no microphone was found"),
    ],
)
async def test_without_permission_or_devices_the_page_says_so_and_the_clinician_still_sees_and_hears(
    house: House, station: RunningStation, permission: str, devices: bool, camera: str, microphone: str
) -> None:
    async with chromium(permission, devices=devices) as browser:
        anna = await desk_for(house, browser, "anna")
        await talk(station, anna)
        await anna.says(re.compile(f"They cannot see you: {camera}"))
        await anna.says(re.compile(f"They cannot hear you: {microphone}"))
        await anna.sees(30)
        await station.face.shows(lambda view: not (view.peer_camera or view.peer_microphone), "told that both are off")
        await anna.button("Hang up").click()
        await station.rested()


async def test_a_station_without_a_camera_makes_a_call_with_sound_and_both_are_told(
    station: RunningStation, anna: Desk
) -> None:
    station.face.turn("unplug_camera")
    await station.face.shows(lambda view: view.devices.camera == "missing", "the camera is gone")
    await talk(station, anna)
    await anna.says("The station has no working camera: they can see you, you cannot see them.")
    await station.face.sees(30)
    assert await anna.hears() > 0.005
    await anna.button("Hang up").click()
    station.face.turn("plug_camera")
    await station.face.shows(lambda view: view.devices.camera == "ok", "the camera is back")
    await station.ready()


async def test_a_browser_that_vanishes_is_noticed_by_the_media_within_two_seconds(
    house: House, station: RunningStation, anna: Desk
) -> None:
    await talk(station, anna)
    await station.face.sees(5)
    crash = asyncio.ensure_future(anna.vanish())
    watch = Stopwatch()
    await station.face.shows(lambda view: view.resuming, "the station notices")
    assert watch.within(3.0), f"2 s, and what it takes to crash a page; not {watch}"
    crash.cancel()
    await asyncio.gather(crash, return_exceptions=True)
    again = await desk_for(house, anna.page.context.browser, "anna")  # type: ignore[arg-type]
    await again.state("live")
    await again.sees(30)
    await again.button("Hang up").click()
    await station.rested()
    await again.page.context.close()


async def test_a_hang_up_while_the_region_is_dead_reaches_the_station_and_both_are_free_when_it_is_back(
    house: House, station: RunningStation, anna: Desk
) -> None:
    await talk(station, anna)
    async with house.without_region():
        await anna.says("No connection to the region. Trying again. A call that is running goes on.")
        await anna.button("Hang up").click()
        await station.face.shows(lambda view: view.reason == "clinician_left", "the clinician left")
    await house.region_ready()
    await anna.connected()
    await expect(anna.button("Call")).to_be_enabled(timeout=2 * PATIENCE_MS)
    await station.rested()
