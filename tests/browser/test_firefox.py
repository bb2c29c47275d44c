"""The same call with Firefox ESR as the clinician's browser: Debian's has no H.264, so the pictures are VP8."""

from __future__ import annotations

import asyncio

import pytest

from tests.browser.firefox import firefox_desk
from tests.kits.house import running_house

pytestmark = [pytest.mark.system, pytest.mark.timeout(240)]


async def test_a_call_with_firefox_from_the_press_to_the_hang_up_and_back() -> None:
    async with running_house() as house:
        station = await house.add_station()
        person = await house.add_clinician("anna", "Anna Holm")
        async with firefox_desk() as anna:
            await anna.open(await house.sign_in_link(person))
            station.face.press()
            await anna.click("Answer")
            await anna.state("live")
            view = await station.face.state("in_call")
            assert view.peer_name == "Anna Holm"
            await asyncio.gather(anna.sees(30), station.face.sees(30))
            assert await anna.hears() > 0.005
            await station.face.hears()
            station.face.press()
            await anna.state("ended")
            await station.rested()

            await anna.click("Call")
            await anna.state("ringing")
            station.face.press()
            await anna.state("live")
            await asyncio.gather(anna.sees(30), station.face.sees(30))
            assert await anna.hears() > 0.005
            await station.face.hears()
            await anna.click("Hang up")
            await station.face.shows(lambda view: view.reason == "clinician_left", "the screen says who left")
            assert await anna.complaints() == []
        outcomes = [row.outcome for row in await house.audit() if row.action == "call.ended"]
        assert outcomes == ["resident_left", "clinician_left"]
