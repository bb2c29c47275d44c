"""What the tests of the region in memory begin with; a module that needs it otherwise says so in its own fixture."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from region.registry.records import Station
from tests.kits.region.app import Kit, every_subject, region_kit
from tests.kits.region.desk import House, desk_house


@pytest.fixture
async def kit(tmp_path: Path) -> AsyncIterator[Kit]:
    """A region with all its subjects, and nothing in it."""
    async with region_kit(tmp_path, every_subject(tmp_path)) as kit:
        yield kit


@pytest.fixture
async def station(kit: Kit) -> Station:
    """Room 4 of Solgården, which calls Bakkens Klinik."""
    return (await kit.places())[2]


@pytest.fixture
async def ivan(kit: Kit) -> AsyncIterator[httpx.AsyncClient]:
    """A browser that ivan of IT is signed in in; its scripts may post."""
    async with kit.signed_in(await kit.person("ivan", "it_admin")) as browser:
        browser.headers["x-csrf-token"] = await kit.csrf(browser)
        yield browser


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """A desk, and a station that is online."""
    async with desk_house(tmp_path) as house:
        yield house
