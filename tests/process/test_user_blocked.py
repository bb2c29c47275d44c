"""`region user block` beside a region that runs: a page that is open is signed out within five seconds."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import pytest

from tests.process.region_stage import Region

pytestmark = pytest.mark.system
WITHIN_S = 5.0


async def test_an_open_page_ends_within_five_seconds(tmp_path: Path) -> None:
    region = await asyncio.to_thread(Region, tmp_path)
    try:
        await region.told("site", "add", "Solgården")
        await region.told("user", "add", "sara", "--role", "site_staff", "--site", "Solgården")
        link = (await region.told("link", "sara"))["link"]
        async with httpx.AsyncClient(follow_redirects=True, timeout=30) as browser:
            assert (await browser.get(link)).status_code == 200
            async with browser.stream("GET", httpx.URL(link).join("/home/events")) as stream:
                heard = stream.aiter_text()
                assert (await anext(heard)).startswith(": listening")
                await asyncio.to_thread(region.command, "user", "block", "sara")
                async with asyncio.timeout(WITHIN_S):
                    told = "".join([chunk async for chunk in heard])
        assert "event: signed_out" in told
    finally:
        await asyncio.to_thread(region.stop)
