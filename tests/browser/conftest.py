"""What every test in a browser begins with."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio
from playwright.async_api import Browser

from tests.browser.desk_page import GRANT, chromium


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    """A Chromium that grants its made-up camera and microphone; one a module."""
    async with chromium(GRANT) as browser:
        yield browser
