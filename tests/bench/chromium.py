"""A browser as the station, and a browser as the clinician: started, driven and weighed."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import uvicorn
from playwright.async_api import BrowserContext, Page, Playwright
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, Response, StreamingResponse
from starlette.routing import Route

from messaging.clock import SystemClock
from messaging.envelope import Sealer, open_envelope
from messaging.link.mqtt import MqttLink, MqttSettings
from messaging.link.port import Inbound
from messaging.status import Connection
from messaging.topics import call_subscriptions, parse, up
from tests.bench.usage import family
from tests.broker import free_port

HERE = Path(__file__).parent
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream", "--autoplay-policy=no-user-gesture-required",
]  # fmt: skip


@dataclass
class Browser:
    """A Chromium of its own, and its processes."""

    context: BrowserContext
    pid: int

    def processes(self) -> list[psutil.Process]:
        """Every process of this browser."""
        return family(self.pid)


@asynccontextmanager
async def chromium(playwright: Playwright, width: int, height: int) -> AsyncIterator[Browser]:
    """A fresh Chromium with a window of that size and fake devices."""
    with tempfile.TemporaryDirectory(prefix="bench-chromium") as profile:
        context = await playwright.chromium.launch_persistent_context(
            profile, executable_path="/usr/bin/chromium", args=FLAGS, headless=True,
            viewport={"width": width, "height": height}, permissions=["camera", "microphone"],
        )  # fmt: skip
        try:
            yield Browser(context, _main_process(profile))
        finally:
            await context.close()


def _main_process(profile: str) -> int:
    for process in psutil.process_iter(["cmdline"]):
        command = process.info["cmdline"] or []
        if f"--user-data-dir={profile}" in command and not any(word.startswith("--type=") for word in command):
            return process.pid
    raise RuntimeError("Chromium's main process was not found")


class Bridge:
    """Between the station's page and the broker: the page's words go up as the station's, the region's come down."""

    def __init__(self, station: str, link: MqttLink) -> None:
        clock = SystemClock()
        self._station = station
        self._link = link
        self._sealer = Sealer(clock.monotonic, clock.wall)
        self._pages: set[asyncio.Queue[str]] = set()

    def app(self) -> Starlette:
        """The page, its scripts, and the two ways."""
        files = {"/": "station.html", "/station.js": "station.js", "/timecode.js": "timecode.js"}
        routes = [Route(path, _file(name)) for path, name in files.items()]
        routes += [Route("/up/{call}", self._up, methods=["POST"]), Route("/dn", self._down)]
        return Starlette(routes=routes)

    async def be_present(self) -> None:
        """Say that this station's call process is there."""
        birth = Connection("call", "online", self._sealer.boot, 1, {"laegeknap": "chromium"})
        await self._link.publish(up(self._station, "conn", "call"), self._sealer.seal(birth), retain=True)

    async def listen(self) -> None:
        """Carry what the region says to the page, for ever."""
        async for event in self._link.events():
            if isinstance(event, Inbound):
                words = {"call": parse(event.topic).words[0], "message": open_envelope(event.payload).data}
                for page in self._pages:
                    page.put_nowait(json.dumps(words))
                self._link.ack(event)

    async def _up(self, request: Request) -> Response:
        topic = up(self._station, "call", request.path_params["call"])
        await self._link.publish(topic, self._sealer.seal(await request.json()), expiry_s=30)
        return Response(status_code=204)

    async def _down(self, _request: Request) -> Response:
        page: asyncio.Queue[str] = asyncio.Queue()
        self._pages.add(page)

        async def events() -> AsyncIterator[str]:
            try:
                yield ": here\n\n"
                while True:
                    yield f"data: {await page.get()}\n\n"
            finally:
                self._pages.discard(page)

        return StreamingResponse(events(), media_type="text/event-stream")


def _file(name: str) -> Any:
    async def serve(_request: Request) -> Response:
        return FileResponse(HERE / name)

    return serve


@asynccontextmanager
async def bridged(settings: MqttSettings, station: str) -> AsyncIterator[str]:
    """A bridge that runs, and the address of its page."""
    link = MqttLink(settings, call_subscriptions(station), None, SystemClock())
    bridge = Bridge(station, link)
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(bridge.app(), port=port, log_level="warning", timeout_graceful_shutdown=1))
    async with AsyncExitStack() as stack:
        await link.start()
        stack.push_async_callback(link.stop)
        for work in (bridge.listen(), server.serve()):
            task = asyncio.create_task(work)
            stack.push_async_callback(_end, task)
        async with asyncio.timeout(20):
            while not (link.is_up and server.started):
                await asyncio.sleep(0.02)
        await bridge.be_present()
        yield f"http://127.0.0.1:{port}/"


async def _end(task: asyncio.Task[Any]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@dataclass
class StationPage:
    """The hands on the browser that plays the station."""

    page: Page

    async def press(self) -> float:
        """Press its button; Unix milliseconds of the press."""
        pressed = await self.page.evaluate("station.press().then(() => station.pressed)")
        return float(pressed)
