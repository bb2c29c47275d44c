"""From the console's API to a real station and back, everything between real: config and commands, to their effect."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
import pytest_asyncio

from tests.kits.eventually import eventually
from tests.kits.house import READY_S, House, RunningStation, running_house

pytestmark = [pytest.mark.system, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]


class Console:
    """A browser that somebody of IT is signed in in, and the API behind its pages."""

    def __init__(self, house: House, browser: httpx.AsyncClient, token: str) -> None:
        self._house, self._browser = house, browser
        self._headers = {"x-csrf-token": token, "origin": house.url, "accept": "application/json"}

    async def ask(self, method: str, path: str, data: object = None) -> Any:
        """What the API answers."""
        answer = await self._browser.request(method, path, json=data, headers=self._headers)
        assert answer.is_success, answer.text
        return answer.json()

    async def until(self, path: str, what: Callable[[Any], bool]) -> Any:
        """What the API answers there, once it is so."""
        found: Any = None

        async def so() -> bool:
            nonlocal found
            found = await self.ask("GET", path)
            return what(found)

        await eventually(so, READY_S, why=lambda: f"{path}: {found}")
        return found

    async def ended(self, cid: str) -> dict[str, Any]:
        """The command, once it has ended."""
        told: dict[str, Any] = await self.until(f"/api/commands/{cid}", lambda one: one["ended_at"] is not None)
        return told

    async def command(self, station: RunningStation, kind: str, **fields: str | int) -> str:
        """Command it of one; its id."""
        handed = await self.ask("POST", "/api/commands", {"type": kind, "fields": fields, "stations": [station.id]})
        (given,) = handed["commands"]
        return str(given["id"])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house() -> AsyncIterator[House]:
    async with running_house() as house:
        yield house


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def station(house: House) -> RunningStation:
    return await house.add_station("Room 4")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def console(house: House) -> AsyncIterator[Console]:
    person = await house.add_admin()
    async with httpx.AsyncClient(base_url=house.url, follow_redirects=True, timeout=30) as browser:
        page = await browser.get(await house.sign_in_link(person), headers={"accept": "text/html"})
        found = re.search(r'name="csrf-token" content="([^"]+)"', page.text)
        assert found, page.text
        yield Console(house, browser, found[1])


async def test_what_is_set_is_worked_by_and_told(house: House, console: Console, station: RunningStation) -> None:
    known = await console.ask("GET", f"/api/stations/{station.id}")
    changed = await console.ask("PATCH", f"/api/stations/{station.id}", {"language": "da", "volume": 23})
    assert changed["desired_version"] > known["desired_version"]
    await station.face.shows(
        lambda view: (view.volume, view.config_version) == (23, changed["desired_version"]), "station-call works by it"
    )
    told = await console.until(
        f"/api/fleet/{station.id}",
        lambda one: one["standing"]["version_in_force"] == changed["desired_version"],
    )
    reported = told["standing"]["reported"]
    assert (reported["config"]["volume"], reported["config"]["language"], reported["refused"]) == (23, "da", {})


async def test_a_command_takes_effect_and_its_end_is_told(console: Console, station: RunningStation) -> None:
    told = await console.ended(await console.command(station, "volume", percent=57))
    assert (told["state"], told["by_station"], told["reason"]) == ("successful", True, "")
    await station.face.shows(lambda view: view.volume == 57, "the speaker is louder")
    rows = await console.ask("GET", f"/api/audit?station={station.id}")
    assert {"command.give", "command.ended"} <= {row["action"] for row in rows}


async def test_a_command_that_disturbs_waits_for_the_end_of_a_call(console: Console, station: RunningStation) -> None:
    station.face.press()
    await station.face.state("calling")
    before = station.pid("call")
    cid = await console.command(station, "restart", process="call")
    told = await console.until(f"/api/commands/{cid}", lambda one: one["state"] == "scheduled")
    assert told["reason"] == "in_call"
    assert (station.pid("call"), told["executing_at"]) == (before, None)
    station.face.press()
    told = await console.ended(cid)
    assert (told["state"], told["by_station"]) == ("successful", True)
    assert station.pid("call") != before
    await station.ready()


async def test_what_the_station_does_not_do_is_told_with_the_reason(console: Console, station: RunningStation) -> None:
    told = await console.ended(await console.command(station, "restart", process="screen"))
    assert (told["state"], told["by_station"], told["reason"]) == ("failed", True, "not_running")
