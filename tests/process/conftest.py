"""What a test of real processes begins with; a module that needs another says so in its own fixtures.

A house with somebody at its desk, a station-call with a broker and a browser's double, or a region that is served.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.browser.desk_page import GRANT, Desk, chromium
from tests.kits.house import House, running_house
from tests.kits.servers.broker import Broker, running_broker
from tests.process.call_stage import Stage, staged
from tests.process.house_stage import sit_down
from tests.process.region_stage import Region


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house() -> AsyncIterator[House]:
    async with running_house() as house:
        await house.add_station("Room 4", screen=True)
        yield house


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def anna(house: House) -> AsyncIterator[Desk]:
    person = await house.add_clinician("anna", "Anna Holm")
    async with chromium(GRANT) as browser:
        yield await sit_down(house, browser, person)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    with running_broker(tmp_path / "broker") as running:
        yield running


@pytest.fixture
async def stage(broker: Broker, tmp_path: Path) -> AsyncIterator[Stage]:
    async with staged(broker, tmp_path / "station") as ready:
        yield ready


@pytest.fixture
def region(tmp_path: Path) -> Iterator[Region]:
    region = Region(tmp_path)
    yield region
    region.stop()
