"""A station whose clock is wrong, with everything else real: region, mosquitto, the agent's process."""

from __future__ import annotations

import datetime
import sqlite3
from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.serialization import Encoding

from device.agent.asking import first
from messaging.local import AGENT_SOCKET, AgentView
from provisioning.authority import certificates
from provisioning.authority.vault import open_authority
from provisioning.station.keystore import Keystore
from tests.kits.eventually import eventually
from tests.kits.house import READY_S, House, RunningStation, running_house
from tests.process.wrong_clock import WrongClock

pytestmark = [pytest.mark.system, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(240)]
DAY_S = 86_400.0
YEAR_S = 365 * DAY_S


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house() -> AsyncIterator[House]:
    async with running_house() as house:
        yield house


async def _view(house: House, station: RunningStation, seen: Callable[[AgentView], bool]) -> AgentView:
    view: object = None

    def shown() -> AgentView | None:
        nonlocal view
        view = first(station.runtime_dir / AGENT_SOCKET, AgentView, 2.0)
        return view if isinstance(view, AgentView) and seen(view) else None

    return await eventually(shown, READY_S, why=lambda: f"{view}\n{house.logs()}")


async def _told(house: House, station: RunningStation, event: str) -> None:
    """The region has it in the station's log."""

    async def told() -> bool:
        return event in [row.outcome for row in await house.audit("event") if row.station_id == station.id]

    await eventually(told, READY_S)


def _well(view: AgentView) -> bool:
    return (view.link, view.clock, view.enrolment_error) == ("up", "ntp", "")


@pytest.mark.parametrize("shown", ["1970", "2069"])
async def test_from_any_clock_a_card_becomes_a_station_that_is_connected(house: House, shown: str) -> None:
    off = -house.clock.wall() if shown == "1970" else 43 * YEAR_S
    folder = house.root / shown
    folder.mkdir()
    clock = WrongClock(folder, off)
    station = await house.add_station(shown, call=False, around=clock.around)
    async with clock.hook(station.runtime_dir):
        view = await _view(house, station, _well)
    assert view.enrolled
    assert abs(clock.off) < 5
    assert clock.times_set >= 1
    await _told(house, station, "clock_wrong")


async def test_after_sixty_days_past_its_certificate_s_end_and_at_1970_it_comes_back_by_itself(house: House) -> None:
    folder = house.root / "expired"
    folder.mkdir()
    clock = WrongClock(folder, 0.0)
    station = await house.add_station("expired", call=False, around=clock.around)
    await _view(house, station, _well)
    _grow_old(house, station)
    (station.folder / "state" / "clock").unlink(missing_ok=True)
    clock.put(-house.clock.wall())
    station.kill("agent")
    await _view(house, station, lambda view: view.clock == "unset" and view.link == "down")
    async with clock.hook(station.runtime_dir):
        await _view(house, station, _well)
    validity = Keystore(station.folder / "state").validity()
    assert validity is not None
    assert validity[1] > house.clock.wall() + 40 * DAY_S


def _grow_old(house: House, station: RunningStation) -> None:
    """Its certificate, on its disk and in the registry, is one for the same key that ended sixty days ago."""
    stations = open_authority(house.root / "region" / "ca", house.clock)._held.stations
    keystore = Keystore(station.folder / "state")
    now = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
    period = certificates.Validity(now - datetime.timedelta(days=106), now - datetime.timedelta(days=60))
    key = keystore.registered_key().public_key()
    old = certificates.leaf(station.id, key, period, stations, certificates.CLIENT)
    keystore.certificate.write_bytes(old.public_bytes(Encoding.PEM) + stations.certificate.public_bytes(Encoding.PEM))
    with sqlite3.connect(house.root / "region" / "region.sqlite") as database:
        changed = database.execute(
            "UPDATE certificate SET der = ?, serial = ?, issued_at = ?, expires_at = ? WHERE station_id = ?",
            (
                old.public_bytes(Encoding.DER), f"{old.serial_number:x}", period.begins.timestamp(),
                period.ends.timestamp(), station.id,
            ),
        )  # fmt: skip
    database.close()
    assert changed.rowcount == 1
