"""A session that is ended while its page is in a call: the resident is not left with it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import httpx
import pytest

from region.desk.room import SIGNED_OUT, UNVOUCHED
from region.people.service import Changed, PeopleService
from region.registry import Unavailable
from region.registry.sessions import Sessions
from region.web.auth import ABSOLUTE_S, session_ended
from region.web.events import KEEP_ALIVE_S
from tests.kits.eventually import eventually
from tests.kits.region.app import PASSWORD
from tests.kits.region.desk import CALL, Clinician, House, desk_house, talk


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with desk_house(tmp_path) as house:
        yield house


async def _opened(house: House, clinician: Clinician) -> asyncio.Task[httpx.Response]:
    """The page's stream as its browser has it; done when the region has ended it."""
    await clinician.leaves()
    stream = asyncio.create_task(clinician.browser.get("/desk/events", params={"page": clinician.page, "call": CALL}))
    await eventually(lambda: house.kit.region.hub.listeners(f"desk:page:{clinician.page}") == 1)
    return stream


async def _closed(stream: asyncio.Task[httpx.Response]) -> None:
    """The browser closes it."""
    stream.cancel()
    await asyncio.gather(stream, return_exceptions=True)


async def _in_a_call(house: House) -> tuple[Clinician, asyncio.Task[httpx.Response]]:
    anna = await house.clinician("anna")
    await talk(house, anna)
    return anna, await _opened(house, anna)


async def _is_noted(house: House) -> None:
    """The desk has heard that the page was signed out."""

    async def noted() -> bool:
        held = await house.desk.rooms.find(CALL)
        return held is None or held.room.signed_out is not None

    await eventually(noted)


async def _passes(house: House, seconds: float) -> None:
    for _ in range(round(seconds)):
        await house.clock.advance(1.0)
        await house.desk.rooms.see_pages()
        await house.desk.rooms.tick()


async def test_who_signs_out_in_another_tab_has_hung_up_and_the_log_says_so(house: House) -> None:
    anna, stream = await _in_a_call(house)
    out = await anna.browser.post("/sign-out", data={"csrf": anna.csrf})
    assert out.status_code == 303
    assert (await stream).text.endswith("event: signed_out\ndata: {}\n\n")
    await _is_noted(house)
    await _passes(house, SIGNED_OUT)
    assert house.station.heard_last() == {"type": "hangup", "reason": "clinician_left"}
    assert (await house.audit())[-1] == ("region", "call.ended", "clinician_left")


async def test_who_is_shut_out_is_out_of_the_call_though_the_page_does_not_go(house: House) -> None:
    """At the command line, which has no pages to tell: seen when the stream is looked at."""
    anna, stream = await _in_a_call(house)
    service = PeopleService(house.kit.region.registry, house.clock)
    await service.set_active("ivan", anna.person.id, active=False)
    await _passes(house, KEEP_ALIVE_S)
    assert "signed_out" in (await stream).text
    await _is_noted(house)
    await _passes(house, SIGNED_OUT)
    assert house.station.heard_last() == {"type": "hangup", "reason": "clinician_left"}


@pytest.mark.parametrize("told", [True, False], ids=["in the console", "at the command line"])
async def test_who_is_given_another_clinic_hears_nothing_more_of_the_one_before(house: House, *, told: bool) -> None:
    anna, stream = await _in_a_call(house)
    before, region = f"desk:clinic:{anna.person.clinic_id}", house.kit.region
    async with region.registry.begin() as t:
        other = await t.clinics.add("Åens Klinik", "", house.clock.wall())
    service = PeopleService(region.registry, house.clock, *([partial(session_ended, region)] if told else []))
    await service.change("ivan", anna.person.id, Changed(title="GP"))
    await _passes(house, KEEP_ALIVE_S)
    assert not stream.done(), "another title is no other place"
    await service.change("ivan", anna.person.id, Changed(clinic_id=other.id))
    if not told:
        await _passes(house, KEEP_ALIVE_S)
    assert (await stream).text.endswith("event: signed_out\ndata: {}\n\n")
    assert region.hub.listeners(before) == 0
    await _is_noted(house)
    again = await _opened(house, anna)  # as the page does: it is read anew
    assert region.hub.listeners(before) == 0
    assert region.hub.listeners(f"desk:clinic:{other.id}") == 1
    await _passes(house, 3 * SIGNED_OUT)
    assert await house.desk.rooms.find(CALL) is not None, "the resident is not left in the middle of a call"
    await _closed(again)


async def test_another_browser_of_the_same_person_that_signs_out_changes_nothing(house: House) -> None:
    anna, stream = await _in_a_call(house)
    async with house.kit.signed_in(anna.person) as other:
        await other.post("/sign-out", data={"csrf": await house.kit.csrf(other)})
    await _passes(house, SIGNED_OUT + 1)
    assert not stream.done()
    assert await house.desk.rooms.find(CALL) is not None
    await _closed(stream)


async def test_a_new_password_gives_a_new_session_and_the_page_goes_on_in_its_call(house: House) -> None:
    anna, stream = await _in_a_call(house)
    form = {"csrf": anna.csrf, "old": PASSWORD, "new": "another password that is long"}
    assert (await anna.browser.post("/account/password", data=form)).headers["location"] == "/account?changed=true"
    await _passes(house, KEEP_ALIVE_S)
    assert "signed_out" in (await stream).text
    await _is_noted(house)
    again = await _opened(house, anna)  # as the page does: it is read anew
    await _passes(house, 3 * SIGNED_OUT)
    assert await house.desk.rooms.find(CALL) is not None
    await _closed(again)


async def test_a_page_that_went_before_its_session_was_ended_does_not_keep_the_resident_waiting(house: House) -> None:
    anna, stream = await _in_a_call(house)
    await _closed(stream)
    await _passes(house, 1)
    async with house.kit.region.registry.begin() as t:
        await t.sessions.end_all(anna.person.id)
    await _passes(house, UNVOUCHED - 2)
    assert await house.desk.rooms.find(CALL) is not None, "who was signed out by the clock has time to sign in again"
    await _passes(house, SIGNED_OUT + 3)
    assert house.station.heard_last() == {"type": "hangup", "reason": "clinician_left"}


async def test_a_page_that_went_and_is_signed_in_still_may_come_back(house: House) -> None:
    _, stream = await _in_a_call(house)
    await _closed(stream)
    await _passes(house, UNVOUCHED + SIGNED_OUT + 5)
    assert await house.desk.rooms.find(CALL) is not None


async def test_a_session_that_has_only_grown_old_ends_no_call_at_once(house: House) -> None:
    anna, stream = await _in_a_call(house)
    house.clock.set_wall(house.clock.wall() + ABSOLUTE_S)
    await _passes(house, KEEP_ALIVE_S)
    assert "signed_out" in (await stream).text
    await _passes(house, SIGNED_OUT + 1)
    assert await house.desk.rooms.find(CALL) is not None
    async with house.kit.signed_in(anna.person) as browser:
        anna.browser = browser
        again = await _opened(house, anna)
        await _passes(house, UNVOUCHED + SIGNED_OUT)
        assert await house.desk.rooms.find(CALL) is not None
        await _closed(again)


async def test_a_database_that_is_away_signs_nobody_out(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    anna, stream = await _in_a_call(house)

    async def away(*_: object) -> None:
        raise Unavailable("cut by the test")

    with monkeypatch.context() as patched:
        patched.setattr(Sessions, "find", away)
        house.kit.region.hub.doubt(f"person:{anna.person.id}")
        await house.clock.advance(KEEP_ALIVE_S)
    assert not stream.done()
    await anna.browser.post("/sign-out", data={"csrf": anna.csrf})
    assert "signed_out" in (await stream).text, "and it is looked at again as soon as it is back"
