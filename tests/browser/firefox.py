"""The call desk in Debian's Firefox ESR, driven through `firefox.mjs` (WebDriver BiDi)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

FIREFOX = "/usr/bin/firefox-esr"
HERE = Path(__file__).parent
PATIENCE_S = 40.0


class FirefoxDesk:
    """One page of the call desk; every method is what a clinician does or notices."""

    def __init__(self, driver: asyncio.subprocess.Process) -> None:
        self._driver = driver

    async def open(self, link: str) -> None:
        """Sign in by a one-time link."""
        await self._do("open", link=link)

    async def click(self, name: str) -> None:
        """The button of that name."""
        await self._do("click", name=name)

    async def state(self, name: str) -> None:
        """The call's pane shows that state."""
        await self._do("state", name=name)

    async def sees(self, frames: int) -> None:
        """So many more pictures of the station are shown."""
        await self._do("frames", more=frames)

    async def hears(self, seconds: float = 10.0) -> float:
        """The energy of what the station sends, RMS of full scale."""
        return float(await self._do("energy", seconds=seconds))

    async def complaints(self) -> list[str]:
        """Errors of the page's scripts."""
        return list(await self._do("complaints"))

    async def _do(self, what: str, **more: Any) -> Any:
        assert self._driver.stdin is not None and self._driver.stdout is not None
        self._driver.stdin.write(json.dumps({"do": what, **more}).encode() + b"\n")
        line = await asyncio.wait_for(self._driver.stdout.readline(), PATIENCE_S)
        assert line, "the driver has ended"
        answer = json.loads(line)
        assert "error" not in answer, answer.get("error")
        return answer["value"]


@asynccontextmanager
async def firefox_desk() -> AsyncIterator[FirefoxDesk]:
    """A Firefox with a new profile and fake devices."""
    driver = await asyncio.create_subprocess_exec(
        "node", str(HERE / "firefox.mjs"), FIREFOX, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    try:
        yield FirefoxDesk(driver)
    finally:
        assert driver.stdin is not None
        driver.stdin.close()
        try:
            await asyncio.wait_for(driver.wait(), PATIENCE_S)
        except TimeoutError:
            driver.kill()
            await driver.wait()
            raise
