"""A call at the desk while parts of the house die: what the clinician sees, and that the call goes on where it can."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import expect

from tests.browser.desk_page import GRANT, Desk, chromium, desk_of
from tests.house import House, RunningStation, running_house

pytestmark = [pytest.mark.system, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(240)]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house() -> AsyncIterator[House]:
    async with running_house() as house:
        await house.add_station()
        await house.add_clinician("anna", "Anna Holm")
        yield house


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def anna(house: House) -> AsyncIterator[Desk]:
    async with house.registry.read() as t:
        person = await t.people.find("anna")
    assert person is not None
    async with chromium(GRANT) as browser:
        desk = await desk_of(browser)
        await desk.open(await house.sign_in_link(person))
        yield desk


@pytest_asyncio.fixture(loop_scope="module")
async def station(house: House, anna: Desk) -> RunningStation:
    """In a call with Anna."""
    (station,) = house.stations
    await station.rested()
    await house.region_ready()
    await anna.connected()
    station.face.press()
    await anna.button("Answer").click()
    await anna.state("live")
    await station.face.state("in_call")
    return station


async def test_the_region_dies_in_a_call_and_the_call_goes_on_and_can_be_hung_up_afterwards(
    house: House, station: RunningStation, anna: Desk
) -> None:
    call = station.face.view and station.face.view.call
    house.kill_region()
    await expect(anna.page.locator("#desk")).to_have_attribute("data-link", "down")
    await anna.says("No connection to the region. Trying again. A call that is running goes on.")
    await asyncio.gather(anna.sees(60), station.face.sees(60))
    await house.region_ready()
    await anna.connected()
    await anna.state("live")
    await asyncio.gather(anna.sees(30), station.face.sees(30))
    view = await station.face.state("in_call")
    assert view.call == call
    await anna.button("Hang up").click()
    await station.rested()
    assert [row.outcome for row in await house.audit("call.ended")][-1] == "clinician_left"


async def test_a_hang_up_while_the_region_is_away_reaches_the_station_all_the_same(
    house: House, station: RunningStation, anna: Desk
) -> None:
    house.kill_region()
    await expect(anna.page.locator("#desk")).to_have_attribute("data-link", "down")
    await anna.button("Hang up").click()
    await station.face.shows(lambda view: view.reason == "clinician_left", "the clinician left", 5.0)
    await house.region_ready()
    await anna.connected()
    await anna.button("Call").wait_for()
    await expect(anna.button("Call")).to_be_enabled(timeout=40_000)


async def test_the_station_s_call_process_dies_and_the_clinician_is_told_and_may_call_again(
    house: House, station: RunningStation, anna: Desk
) -> None:
    began = asyncio.get_running_loop().time()
    station.kill("call")
    await expect(anna.call).to_have_attribute("data-state", "ended", timeout=15_000)
    took = asyncio.get_running_loop().time() - began
    await anna.says("The station was restarted. You can call it again.")
    await station.ready()
    station.face.watch_levels()
    print(f"the clinician was told after {took:.1f} s")
    await anna.button("Call").click()
    await anna.state("ringing")
    station.face.press()
    await anna.state("live")
    await anna.sees(30)
    await anna.button("Hang up").click()
    await station.rested()
