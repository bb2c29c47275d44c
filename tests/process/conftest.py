"""A house of real processes with somebody at its desk; a module that needs another says so in its own fixtures."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.browser.desk_page import GRANT, Desk, chromium
from tests.kits.house import House, running_house
from tests.process.house_stage import sit_down


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
