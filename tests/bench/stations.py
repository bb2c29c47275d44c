"""The two stations that the benches set beside each other: ours, and a Chromium that plays one."""

from __future__ import annotations

import asyncio
import base64
import json
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import psutil
from playwright import async_api as playwright_api
from playwright.async_api import Page, Playwright, Route

from device.call.standing import mqtt_link, read_identity
from device.hardware.sim import timecode
from messaging.clock import SystemClock
from messaging.topics import call_subscriptions
from provisioning.station.keystore import Identity
from tests.bench.chromium import HERE, Browser, bridged, chromium
from tests.browser import desk_page
from tests.kits.eventually import eventually
from tests.kits.house import House, RunningStation

PATIENCE_S = 40.0


class Station(Protocol):
    """What the bench does with either kind of station."""

    name: str

    async def press(self) -> float:
        """Press the button; Unix milliseconds."""

    async def forget(self) -> None:
        """Begin a new call's record."""

    async def measure(self, on: bool) -> None:
        """Read the time code of each picture, or do not."""

    async def report(self) -> dict[str, Any]:
        """`first` (Unix ms or None), `frames`, `ages` (ms)."""

    async def plain(self) -> None:
        """Send what costs least to make."""

    def processes(self) -> list[psutil.Process]:
        """All that is weighed."""

    async def state(self, name: str) -> None:
        """Wait for the call's state."""

    async def hang_up(self) -> None:
        """End the call and be ready for the next."""


@dataclass
class Ours:
    """Our station, with a client that takes every picture and draws none."""

    station: RunningStation
    viewer: asyncio.subprocess.Process
    name: str = "ours"

    async def press(self) -> float:
        pressed = time.time() * 1000
        self.station.face.press()
        return pressed

    async def forget(self) -> None:
        await self._tell("forget")

    async def measure(self, on: bool) -> None:
        await self._tell("measure" if on else "rest")

    async def keep(self, folder: Path) -> None:
        """Keep pictures and sound there, until `measure(False)`."""
        await self._tell(f"keep {folder}")

    async def kept(self) -> dict[str, Any]:
        """`first`, `frames` and `strips`, as the viewer has them."""
        await self._tell("report")
        assert self.viewer.stdout is not None
        answer: dict[str, Any] = json.loads(await self.viewer.stdout.readline())
        return answer

    async def report(self) -> dict[str, Any]:
        answer = await self.kept()
        ages = (_age(arrival, strip) for arrival, strip in answer.pop("strips"))
        return {**answer, "ages": [milliseconds for milliseconds in ages if milliseconds is not None]}

    async def plain(self) -> None:
        pass  # the simulated camera always paints its time code

    def processes(self) -> list[psutil.Process]:
        pids = [self.station.pid("call"), self.station.pid("agent"), self.viewer.pid]
        return [psutil.Process(pid) for pid in pids]

    async def state(self, name: str) -> None:
        await self.station.face.state(name, PATIENCE_S)

    async def hang_up(self) -> None:
        self.station.face.press()
        await self.station.rested()

    async def _tell(self, command: str) -> None:
        assert self.viewer.stdin is not None
        self.viewer.stdin.write(f"{command}\n".encode())
        await self.viewer.stdin.drain()


@dataclass
class Peer:
    """A Chromium in the station's place."""

    browser: Browser
    page: Page
    name: str = "chromium"

    async def press(self) -> float:
        return float(await self.page.evaluate("(station.press(), station.pressed)"))

    async def forget(self) -> None:
        await self.page.evaluate("Object.assign(station.record, { first: null, frames: 0, ages: [] })")

    async def measure(self, on: bool) -> None:
        await self.page.evaluate(f"station.record.measuring = {json.dumps(on)}")

    async def report(self) -> dict[str, Any]:
        answer: dict[str, Any] = await self.page.evaluate("station.record")
        return answer

    async def plain(self) -> None:
        await self.page.evaluate("station.plain()")

    def processes(self) -> list[psutil.Process]:
        return self.browser.processes()

    async def state(self, name: str) -> None:
        await self.page.wait_for_function(f"station.state === {json.dumps(name)}", timeout=PATIENCE_S * 1000)

    async def hang_up(self) -> None:
        await self.press()
        await self.state("idle")
        await self.page.reload()  # what earlier calls left behind shall not weigh
        await self.page.wait_for_function("station.ready")


@asynccontextmanager
async def our_station(
    house: House, size: tuple[int, int], *, microphone: str = "speech", clock_ppm: int = 0, screen: bool = False,
    broker: int | None = None,
) -> AsyncIterator[Ours]:  # fmt: skip
    """A station of ours that runs. `microphone` and `clock_ppm` as in its config, `screen` and `broker` as in House."""
    station = await house.add_station(
        "ours", width=size[0], height=size[1], screen=screen, broker=broker, microphone=microphone, clock_ppm=clock_ppm
    )
    viewer = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench.viewer", str(station.runtime_dir), stdin=-1, stdout=-1, limit=16 * 2**20
    )
    try:
        yield Ours(station, viewer)
    finally:
        assert viewer.stdin is not None
        viewer.stdin.close()
        await viewer.wait()


@asynccontextmanager
async def chromium_as(
    station: RunningStation,
    playwright: Playwright,
    size: tuple[int, int],
    scripts: tuple[str, ...] = (),
    microphone: Path | None = None,
) -> AsyncIterator[Peer]:
    """A Chromium in the place of this station's call process. `scripts` of this folder its page can import as well."""
    identity = await enrolled(station)
    make = mqtt_link(identity, station.folder / "state", SystemClock())
    async with AsyncExitStack() as stack:
        address = await stack.enter_async_context(bridged(make(call_subscriptions(station.id), None), station.id))
        browser = await stack.enter_async_context(chromium(playwright, *size, microphone))
        page = browser.context.pages[0]
        await _offer(page, scripts)
        await page.goto(f"{address}?width={size[0]}&height={size[1]}")
        await page.wait_for_function("station.ready")
        yield Peer(browser, page)


async def clinic_page(house: House, browser: playwright_api.Browser, scripts: tuple[str, ...], first: str) -> Page:
    """A clinician's desk, signed in. `scripts` of this folder it can import; `first` runs before the page's own."""
    person = await house.add_clinician("anna")
    desk = await desk_page.desk_of(browser, bypass_csp=True)
    await _offer(desk.page, scripts)
    await desk.page.add_init_script(first)
    await desk.open(await house.sign_in_link(person))
    return desk.page


async def _offer(page: Page, scripts: tuple[str, ...]) -> None:
    for name in scripts:
        code = (HERE / name).read_text(encoding="utf-8")
        await page.route(f"**/bench/{name}", partial(_fulfil, code))


async def _fulfil(code: str, route: Route) -> None:
    await route.fulfill(body=code, content_type="text/javascript")


async def enrolled(station: RunningStation) -> Identity:
    """Its identity, as soon as it has one."""
    await eventually(lambda: read_identity(station.folder / "state"), PATIENCE_S)
    identity = read_identity(station.folder / "state")
    assert identity is not None
    return identity


def _age(arrival_ms: float, strip: str) -> float | None:
    """How old a picture was when it came, in milliseconds, by its time code."""
    row = np.frombuffer(base64.b64decode(strip), np.uint8)
    code = timecode.read(np.tile(row, (80, 1)))
    return None if code is None else timecode.age(code, arrival_ms / 1000) * 1000
