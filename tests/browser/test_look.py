"""The clinician looks closer, in a real Chromium at a real station: what arrives, what is shown, what stays away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from device.hardware.sim.camera import FULL
from tests.browser.axe import complaints
from tests.browser.desk_page import Desk
from tests.browser.test_call import desk_for, talk
from tests.kits.house import House, RunningStation, running_house

pytestmark = [pytest.mark.system, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(180)]

# The live picture as 32 by 18 greys, the middle of it counted double by nobody: differences are what is looked at.
_GREYS = """
() => {
  const video = document.querySelector("#remote");
  const canvas = Object.assign(document.createElement("canvas"), { width: 32, height: 18 });
  const context = canvas.getContext("2d");
  context.drawImage(video, 0, 0, 32, 18);
  return Array.from(context.getImageData(0, 0, 32, 18).data).filter((_, at) => at % 4 === 1);
}
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house() -> AsyncIterator[House]:
    async with running_house() as house:
        await house.add_station("Room 4")
        await house.add_clinician("anna", "Anna Holm")
        yield house


@pytest_asyncio.fixture(loop_scope="module")
async def station(house: House) -> AsyncIterator[RunningStation]:
    (station,) = house.stations
    await station.rested()
    yield station
    for knob in ("plug_examination", "clear_view"):
        station.face.turn(knob)
    if station.face.view is not None and station.face.view.state not in ("idle", "feedback", "ending"):
        station.face.press()


@pytest_asyncio.fixture(loop_scope="module")
async def anna(house: House, browser: Browser, station: RunningStation) -> AsyncIterator[Desk]:
    """In a call, with the toolbar there."""
    desk = await desk_for(house, browser, "anna")
    await talk(station, desk)
    await expect(desk.page.locator("#look")).to_be_visible()
    await desk.sees(10)
    yield desk
    await desk.page.context.close()


async def greys(desk: Desk) -> list[int]:
    """What is shown, after what was on its way."""
    await desk.sees(25)
    seen: list[int] = await desk.page.evaluate(_GREYS)
    return seen


def apart(one: list[int], other: list[int]) -> float:
    """The mean difference of two pictures."""
    return sum(abs(a - b) for a, b in zip(one, other, strict=True)) / len(one)


async def test_closer_shows_another_picture_the_resident_is_told_and_everything_comes_back(
    station: RunningStation, anna: Desk
) -> None:
    whole = await greys(anna)
    for _ in range(4):
        await anna.button("Closer").click()
    await expect(anna.page.locator("[data-look=zoom]")).to_have_text("2.4 ×")
    await station.face.shows(lambda view: view.looking == "closer", "the screen says that they look closer")
    assert apart(await greys(anna), whole) > 8
    await anna.page.locator(".pictures").focus()
    await anna.page.keyboard.press("ArrowRight")
    moved = await greys(anna)
    await anna.page.keyboard.press("0")
    await station.face.shows(lambda view: view.looking == "", "the whole room again")
    assert apart(await greys(anna), whole) < apart(moved, whole)
    assert anna.complaints == []


async def test_a_wheel_and_a_drag_look_closer_and_move(station: RunningStation, anna: Desk) -> None:
    box = await anna.page.locator("#remote").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    await anna.page.mouse.move(x, y)
    for _ in range(5):
        await anna.page.mouse.wheel(0, -200)
    await station.face.shows(lambda view: view.looking == "closer", "closer by the wheel")
    before = await greys(anna)
    await anna.page.mouse.down()
    await anna.page.mouse.move(x - box["width"] / 3, y, steps=8)
    await anna.page.mouse.up()
    assert apart(await greys(anna), before) > 4
    await anna.button("Show all").click()
    await station.face.shows(lambda view: view.looking == "", "everything")


async def test_the_second_camera_and_back_and_pulled_out(station: RunningStation, anna: Desk) -> None:
    room = await greys(anna)
    await anna.button("Second camera").click()
    await station.face.shows(lambda view: view.looking == "examination", "the screen tells of the other camera")
    assert apart(await greys(anna), room) > 15
    await expect(anna.button("Follow people")).to_be_hidden()
    await anna.button("Back to the room").click()
    await station.face.shows(lambda view: view.looking == "", "the room")
    assert apart(await greys(anna), room) < 10

    await anna.button("Second camera").click()
    await station.face.shows(lambda view: view.looking == "examination", "the other camera again")
    await anna.sees(10)
    await anna.page.evaluate("performance.now = () => Date.now() + 60000")  # the wish is long past
    station.face.turn("unplug_examination")
    await anna.says("The second camera is gone. You see the room again.")
    await station.face.shows(lambda view: view.looking == "" and view.devices.camera == "ok", "the room by itself")
    await expect(anna.button("Second camera")).to_be_hidden()
    assert apart(await greys(anna), room) < 10


async def test_stills_of_the_whole_sensor_are_compared_saved_by_hand_only_and_gone_with_the_call(
    station: RunningStation, anna: Desk, tmp_path: Path
) -> None:
    before = files_of(station)
    await anna.button("Take a still").click()
    await station.face.shows(lambda view: view.looking == "still", "the screen says that a picture is taken")
    still = anna.page.locator(".still img").first
    await expect(still).to_be_visible(timeout=90_000)
    await anna.page.evaluate("document.querySelector('.still img').decode()")
    size = await still.evaluate("(img) => [img.naturalWidth, img.naturalHeight]")
    assert size == [FULL.width, FULL.height]
    await anna.button("Freeze").click()
    await expect(anna.page.locator(".still")).to_have_count(2)
    assert await complaints(anna.page) == []
    frame = anna.page.locator(".still .frame").first
    await frame.focus()
    await anna.page.keyboard.press("+")
    assert await still.evaluate("(img) => img.style.width") == "125%"

    async with anna.page.expect_download() as downloading:
        await anna.page.locator(".still [data-part=save]").first.click()
    download = await downloading.value
    assert download.suggested_filename.startswith("still-20")
    assert download.suggested_filename.endswith(".jpg")
    await download.save_as(tmp_path / "saved.jpg")
    assert (tmp_path / "saved.jpg").read_bytes()[:2] == b"\xff\xd8"

    await anna.page.locator(".still [data-part=discard]").last.click()
    await expect(anna.page.locator(".still")).to_have_count(1)
    url = await still.get_attribute("src")
    await anna.button("Hang up").click()
    await expect(anna.page.locator(".still")).to_have_count(0)
    gone = await anna.page.evaluate(
        "(url) => new Promise((done) => Object.assign(new Image(), { onerror: () => done(true), "
        "onload: () => done(false), src: url }))",
        url,
    )
    assert gone, "the picture is out of the browser's memory"
    await station.rested()
    assert files_of(station) == before, "nothing of a still is written at the station"


def files_of(station: RunningStation) -> set[str]:
    """The files of a station, by name; none may be as large as a still or hold a JPEG but the screen's mirror."""
    files = {path for path in station.folder.rglob("*") if path.is_file()}
    assert [path.name for path in files if path.read_bytes()[:3] == b"\xff\xd8\xff" and path != station.mirror] == []
    return {str(path) for path in files if not path.name.startswith(("remote.ring", "own.ring", "outbox", "speaker"))}


async def test_a_covered_lens_is_said_at_both_ends(station: RunningStation, anna: Desk) -> None:
    station.face.turn("cover_lens")
    await anna.says("The camera is covered. Ask them to take away what is before it.")
    await station.face.shows(lambda view: view.lens == "covered", "the screen is told")
    station.face.turn("clear_view")
    await station.face.shows(lambda view: view.lens == "clear", "and told again")


async def test_nothing_of_it_is_there_before_the_resident_has_answered(
    house: House, browser: Browser, station: RunningStation
) -> None:
    desk = await desk_for(house, browser, "anna")
    await desk.button("Call").click()
    await desk.state("ringing")
    await asyncio.gather(station.face.state("ringing"), expect(desk.page.locator("#look")).to_be_hidden())
    assert station.face.view is not None
    assert station.face.view.looking == ""
    await desk.button("Hang up").click()
    await station.rested()
    await desk.page.context.close()
