"""Bad input as a clinician meets it: each is said in words, nothing of it ends a call, and the page works on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from messaging.call import Alerting, Devices, Hangup, Invite, Offer, Rejected, Request, Ringing, new_call_id, to_data
from tests.browser.desk_page import Desk, desk_of
from tests.kits.house import House, RunningStation, running_house
from tests.kits.station.scripted_call import ScriptedCall, scripted_call

pytestmark = [pytest.mark.system, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(180)]

NO_CONNECTION = "No connection for picture and sound could be made."
GARBAGE = {
    "no description at all": "garbage\r\n",
    "markup": "<script>document.title = 'taken over'</script>",
    "a description of nothing": "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 9 nonsense\r\n",
    "as long as is let through": "v=0\r\n" + "a=x\r\n" * 6000,
}
NO_MESSAGES = (
    b"",
    b"\xff\xfe",
    b"not json",
    b'{"v":1}',
    b'{"v":7,"id":"x"}',
    b"[" * 20_000,
    b'"' + b"x" * 80_000 + b'"',
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house() -> AsyncIterator[House]:
    async with running_house() as house:
        await house.add_clinician("anna", "Anna Holm")
        yield house


@pytest_asyncio.fixture(loop_scope="module")
async def anna(house: House, browser: Browser) -> AsyncIterator[Desk]:
    async with house.registry.read() as t:
        person = await t.people.find("anna")
    assert person is not None
    desk = await desk_of(browser)
    await desk.open(await house.sign_in_link(person))
    yield desk
    await desk.page.context.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scripted(house: House) -> AsyncIterator[ScriptedCall]:
    """A station that says what a test wants."""
    station = await house.add_station("Room 3", call=False)
    async with scripted_call(station.folder / "state") as call:
        yield call


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def room_4(house: House) -> RunningStation:
    """A real one."""
    return await house.add_station("Room 4")


@pytest.mark.parametrize("sdp", GARBAGE.values(), ids=GARBAGE)
async def test_garbage_for_an_offer_is_said_and_the_desk_works_on(scripted: ScriptedCall, anna: Desk, sdp: str) -> None:
    call = new_call_id()
    scripted.says(call, Request(Devices()))
    await scripted.hears(Ringing, call)
    scripted.says(call, Offer(1, sdp))
    await anna.button("Answer").click()
    await anna.says(NO_CONNECTION)
    assert (await scripted.hears(Hangup, call))[1].reason == "connection_failed"
    assert "taken over" not in await anna.page.title()

    again = new_call_id()
    scripted.says(again, Request(Devices()))
    await anna.button("Answer").wait_for()
    scripted.says(again, Hangup("cancelled"))
    await anna.button("Answer").wait_for(state="hidden")


async def test_garbage_of_one_station_costs_the_call_with_another_nothing(
    house: House, scripted: ScriptedCall, room_4: RunningStation, anna: Desk
) -> None:
    await room_4.rested()
    room_4.face.press()
    await anna.button("Answer").click()
    await anna.state("live")
    view = await room_4.face.state("in_call")
    assert view.call is not None
    for sdp in GARBAGE.values():
        scripted.says(view.call, Offer(7, sdp))  # in a call that is not its own
        scripted.says(new_call_id(), Offer(1, sdp))  # in one that never was
    scripted.says(view.call, Hangup("resident_left"))
    scripted.says(view.call, Alerting(Devices()))
    good, early, late = (scripted.sealer.seal(to_data(Rejected(word))) for word in ("good", "early", "late"))
    for payload in (*NO_MESSAGES, good, good, late, early):
        await scripted.throws(view.call, payload)
    await scripted.throws(view.call, good, retain=True)
    assert (await scripted.hears(Rejected, view.call))[1].code == "foreign_call"
    await asyncio.gather(anna.sees(30), room_4.face.sees(30))
    await anna.state("live")
    assert anna.complaints == []
    await anna.button("Hang up").click()
    await room_4.rested()
    log = house.processes.last_words("region")
    assert [code for code in ("malformed", "unknown_version", "oversized", "stale") if f"({code})" not in log] == []


async def test_two_quick_clicks_on_call_make_one_call(scripted: ScriptedCall, anna: Desk) -> None:
    await anna.page.get_by_role("button", name="Call Room 3").dblclick()
    call, _ = await scripted.hears(Invite)
    scripted.says(call, Alerting(Devices()))
    await anna.says("It rings at the station")
    await anna.button("Hang up").click()
    assert (await scripted.hears(Hangup, call))[1].reason == "cancelled"
    await anna.says("It was called off before it was answered.")


@pytest.mark.parametrize(
    ("device", "words"),
    [
        ("microphone", "The station has no working microphone: you cannot hear them."),
        ("speaker", "The station has no working loudspeaker: they cannot hear you."),
    ],
)
async def test_a_station_that_lacks_something_makes_a_call_with_the_rest_and_the_clinician_is_told(
    room_4: RunningStation, anna: Desk, device: str, words: str
) -> None:
    room_4.face.turn(f"unplug_{device}")
    await room_4.face.shows(lambda view: getattr(view.devices, device) == "missing", f"the {device} is gone")
    await room_4.rested()
    room_4.face.press()
    await anna.button("Answer").click()
    await anna.state("live")
    await anna.says(words)
    await asyncio.gather(anna.sees(30), room_4.face.sees(30))
    if device == "speaker":
        assert await anna.hears() > 0.005
    await anna.button("Hang up").click()
    room_4.face.turn(f"plug_{device}")
    await room_4.face.shows(lambda view: getattr(view.devices, device) == "ok", f"the {device} is back")
    await room_4.rested()


async def test_a_station_with_nothing_to_call_with_cannot_be_called_and_the_clinician_is_told(
    room_4: RunningStation, anna: Desk
) -> None:
    knobs = ("camera", "microphone", "speaker")
    for device in knobs:
        room_4.face.turn(f"unplug_{device}")
    await room_4.face.shows(lambda view: view.fault == "no_devices", "the resident is told too")
    await anna.page.get_by_role("button", name="Call Room 4").click()
    await anna.says("The station cannot take calls just now.")
    for device in knobs:
        room_4.face.turn(f"plug_{device}")
    await room_4.ready()
