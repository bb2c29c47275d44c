"""Door B with everything real: a region, a station that knows only where that is, somebody of IT, a call."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from device.agent.asking import first
from messaging.local import AGENT_SOCKET, AgentView
from region.registry.records import AuditRow
from tests.kits.eventually import eventually
from tests.kits.house import READY_S, House, RunningStation, running_house

pytestmark = [pytest.mark.system, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(240)]
HTML = {"accept": "text/html,*/*"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house() -> AsyncIterator[House]:
    async with running_house() as house:
        yield house


async def _view(house: House, station: RunningStation) -> AgentView:
    """What the agent says once it shows a claim."""

    def shown() -> AgentView | None:
        view = first(station.runtime_dir / AGENT_SOCKET, AgentView, 2.0)
        return view if isinstance(view, AgentView) and view.claim is not None else None

    return await eventually(shown, READY_S, why=house.logs)


async def _audited(house: House, action: str) -> AuditRow:
    """The region's row of that action; the station hears of things about as soon."""
    return (await eventually(lambda: house.audit(action), READY_S))[0]


async def _approve(house: House, link: str) -> str:
    """As somebody does who scans the code and is sent to sign in first; the station's id."""
    person = await house.add_admin()
    async with httpx.AsyncClient(headers=HTML) as browser:
        path = link.removeprefix(house.url)
        sent = await browser.get(link)
        assert sent.status_code == 303
        assert sent.headers["location"].startswith("/sign-in?next=/claims/")
        await browser.get(await house.sign_in_link(person))
        page = await browser.get(house.url + path)
        assert page.status_code == 200
        assert "is this station" in page.text
        found = re.search(r'name="csrf-token" content="([^"]+)"', page.text)
        check = re.search(r'name="check" value="([0-9]{6})"', page.text)
        assert found
        assert check
        form = {"csrf": found[1], "check": check[1], "compared": "yes", "site": str(house.site.id), "room": "Stue 9",
                "clinic": str(house.clinic.id)}  # fmt: skip
        address = f"{house.url}{path.partition('?')[0]}/approve"
        done = await browser.post(address, data=form, headers={"origin": house.url})
        assert done.status_code == 303, done.text
        return done.headers["location"].removeprefix("/stations/")


async def test_a_station_is_claimed_by_what_it_shows_and_can_call(house: House) -> None:
    station = await house.add_unclaimed()
    view = await _view(house, station)
    assert view.claim is not None
    assert (view.enrolled, view.enrolment_error) == (False, "unclaimed")
    assert view.claim.link.startswith(f"{house.url}/claims/")
    for process in ("agent", "call"):  # what it shows survives its processes
        station.kill(process)
    again = await _view(house, station)
    assert again.claim == view.claim
    claimed = await _approve(house, view.claim.link)
    await station.ready()
    known = first(station.runtime_dir / AGENT_SOCKET, AgentView, 2.0)
    assert isinstance(known, AgentView)
    assert (known.station, known.claim, known.config.clinic) == (claimed, None, "Bakkens Klinik")
    assert not (station.folder / "card.toml").exists()
    assert not (station.folder / "state" / "claiming").exists()
    await _audited(house, "enrolled")
    actions = [row.action for row in await house.audit("") if row.station_id == claimed]
    assert actions[:4] == ["station.add", "claim.approve", "certificate", "enrolled"]
    station.face.press()
    await station.face.state("calling")
    assert (await _audited(house, "call.requested")).station_id == claimed
    station.face.press()
