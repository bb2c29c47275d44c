"""Who is written down as the one who hung up, whichever side tells the region first."""

from __future__ import annotations

import pytest

from messaging.call import Connected, Devices, Hangup, Offer, Request
from messaging.status import HungUp
from tests.kits.region.desk import CALL, Clinician, House


@pytest.fixture
async def anna(house: House) -> Clinician:
    """In a call with the station."""
    anna = await house.clinician("anna")
    await house.station.says(Request(Devices()))
    await house.station.says(Offer(1, "v=0 the station's offer"))
    await anna.post(f"calls/{CALL}/claim")
    await anna.post(f"calls/{CALL}/answer", generation=1, sdp="v=0 answer")
    await house.station.says(Connected(1, 140.0))
    return anna


async def test_a_clinician_s_goodbye_that_the_station_tells_first_is_the_clinician_s(
    house: House, anna: Clinician
) -> None:
    await house.station.says(Hangup("clinician_left"))
    await anna.post(f"calls/{CALL}/hangup", reason="clinician_left")
    assert [row for row in await house.audit() if row[1] == "call.ended"] == [("anna", "call.ended", "clinician_left")]


async def test_a_resident_s_goodbye_that_the_page_tells_first_is_the_station_s(house: House, anna: Clinician) -> None:
    await anna.post(f"calls/{CALL}/hangup", reason="resident_left")
    await house.station.says(Hangup("resident_left"))
    ended = [row for row in await house.audit() if row[1] == "call.ended"]
    assert ended == [(house.station.id, "call.ended", "resident_left")]
    assert house.station.heard_last() == {"type": "hangup", "reason": "resident_left"}


async def test_a_goodbye_that_found_the_region_away_is_told_by_the_presence_that_comes_after(
    house: House, anna: Clinician
) -> None:
    await house.station.comes(None, hung_up=HungUp(CALL, "resident_left"))
    assert (await house.audit())[-1] == (house.station.id, "call.ended", "resident_left")


async def test_the_end_of_another_call_says_nothing_about_this_one(house: House, anna: Clinician) -> None:
    await house.station.comes(None, hung_up=HungUp("0011223344556677", "resident_left"))
    assert (await house.audit())[-1] == (house.station.id, "call.ended", "link_down")


async def test_a_page_may_not_speak_for_the_region(house: House, anna: Clinician) -> None:
    await anna.post(f"calls/{CALL}/hangup", reason="replaced")
    assert (await house.audit())[-1] == ("anna", "call.ended", "clinician_left")
