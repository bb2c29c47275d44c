"""What IT sets for a station, as it is seen and heard beside it: every process is a real one, the browser too."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from PIL import Image

from messaging.local import OWN_RING
from messaging.sound import SPEAKER_RING
from region.registry.records import Ordered
from region.stations.commanding import new_cid
from tests.browser.desk_page import Desk
from tests.kits.eventually import eventually
from tests.kits.house import READY_S, House, RunningStation

pytestmark = [pytest.mark.system, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(180)]
DARK = 40  # of 255: a tenth, and what a JPEG makes of it


@pytest.fixture
def station(house: House) -> RunningStation:
    return house.stations[0]


async def set_for(house: House, station: RunningStation, **document: Any) -> None:
    """IT has the station's own layer say that; station-call works by it."""
    async with house.registry.begin() as t:
        said = (await t.layers.get("station", station.id)).document
        await t.layers.put("station", station.id, {**said, **document}, "ivan", house.clock.wall())
        version = (await t.stations.get(station.id)).desired_version
    await station.face.shows(lambda view: view.config_version == version, f"version {version} is in force")


async def tell(house: House, station: RunningStation, text: str) -> None:
    """IT sends these words, and they have been drawn on the station's screen."""
    now, cid, drawn = house.clock.wall(), new_cid(), station.mirror.stat().st_mtime_ns
    async with house.registry.begin() as t:
        said = Ordered("message", {"text": text, "seconds": 600}, "ivan", "", now, now + 600)
        await t.commands.give(new_cid(), {station.id: cid}, said, now)

    async def stands() -> bool:
        async with house.registry.read() as t:
            return (await t.commands.get(cid)).state == "successful"

    await eventually(stands, READY_S, every_s=0.05)
    await eventually(lambda: station.mirror.stat().st_mtime_ns > drawn and brightest(station) >= 0, READY_S)


def hours_around_now() -> dict[str, Any]:
    now = datetime.now(UTC).astimezone()
    return {"begins": f"{now - timedelta(hours=2):%H:%M}", "ends": f"{now + timedelta(hours=2):%H:%M}"}


def brightest(station: RunningStation) -> int:
    """Of all that stands on the screen; 255 is white."""
    try:
        with Image.open(station.mirror) as image:
            return max(most for _, most in image.convert("RGB").getextrema())  # type: ignore[misc, str-unpack]
    except OSError:
        return -1  # it is being written


async def test_at_night_the_screen_is_dark_and_a_ring_is_a_light_and_the_button_works_as_ever(
    house: House, anna: Desk, station: RunningStation
) -> None:
    await eventually(lambda: brightest(station) > 200, READY_S)
    await set_for(house, station, night={"on": True, "quiet": True, "brightness": 10, **hours_around_now()})
    await eventually(lambda: 0 <= brightest(station) <= DARK, READY_S)

    await anna.button("Call").click()
    view = await station.face.state("ringing")
    await eventually(lambda: brightest(station) > 200, READY_S)
    assert view.light == "ringing"
    assert not (station.runtime_dir / SPEAKER_RING).exists(), "nothing sounds"
    await anna.button("Hang up").click()
    await anna.button("Close").click()
    await station.rested()
    await eventually(lambda: 0 <= brightest(station) <= DARK, READY_S)

    await tell(house, station, "We come at ten. From IT")
    assert brightest(station) <= DARK, "who sleeps is not woken by words from IT"
    station.face.press()
    await station.face.state("calling")
    await eventually(lambda: brightest(station) > 200, READY_S)
    station.face.press()
    await station.rested()


async def test_who_has_agreed_is_answered_for_after_a_countdown_that_a_press_ends(
    house: House, anna: Desk, station: RunningStation
) -> None:
    until = f"{datetime.now(UTC) + timedelta(days=30):%Y-%m-%d}"
    agreed = {"on": True, "consent_by": "Resident", "consent_recorded_by": "Nurse", "consent_until": until}
    await set_for(house, station, auto_answer=agreed, night={"on": False})
    await station.rested()
    await anna.button("Call").click()
    view = await station.face.shows(lambda view: view.answers_at is not None, "it counts down")
    assert (view.state, view.light, view.presses_refused) == ("ringing", "ringing", 0)
    await eventually((station.runtime_dir / SPEAKER_RING).exists)  # it is heard
    assert not (station.runtime_dir / OWN_RING).exists(), "and nothing of the room is seen"
    view = await station.face.state("in_call")
    await anna.says(re.compile("The station answered by itself"))
    await anna.sees(3)
    station.face.press()
    await anna.state("ended")
    await station.rested()

    await anna.button("Close").click()
    await anna.button("Call").click()
    await station.face.shows(lambda view: view.answers_at is not None, "it counts down")
    station.face.press()
    await anna.says("It was declined at the station.")
    assert [row.outcome for row in await house.audit("call.answered")] == ["by_itself"]
