"""A browser as the station, and a browser as the clinician: started, driven and weighed."""

from __future__ import annotations

import asyncio
import json
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import uvicorn
from playwright.async_api import BrowserContext, Playwright
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, Response, StreamingResponse
from starlette.routing import Route

from device.hardware.sim.scene import Scene
from messaging.clock import SystemClock
from messaging.envelope import Sealer, open_envelope
from messaging.link.port import Inbound, Link
from messaging.status import Connection
from messaging.topics import parse, up
from tests.bench.usage import family
from tests.kits.eventually import eventually
from tests.kits.servers.broker import free_port

HERE = Path(__file__).parent
FILM_S = 3
INSTALLED = Path("/usr/lib/chromium")
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
async def chromium(
    playwright: Playwright, width: int, height: int, microphone: Path | None = None
) -> AsyncIterator[Browser]:
    """A fresh Chromium with a window of that size and fake devices; its microphone hears that WAV file, or beeps.

    It runs from a copy of the installed one: what it would share with the clinician's browser on this machine, a
    station has to hold alone, and PSS would count only its part. Its camera shows what our simulated one shows, from
    a file of ready pictures.
    """
    with tempfile.TemporaryDirectory(prefix="bench-chromium") as folder:
        profile, program = Path(folder) / "profile", Path(folder) / "program"
        await asyncio.to_thread(shutil.copytree, INSTALLED, program)
        film = Path(folder) / "scene.y4m"
        await asyncio.to_thread(_film, film, width, height)
        heard = [f"--use-file-for-fake-audio-capture={microphone}"] if microphone else []
        context = await playwright.chromium.launch_persistent_context(
            profile, executable_path=program / "chromium", headless=True,
            args=[*FLAGS, *heard, f"--use-file-for-fake-video-capture={film}"],
            viewport={"width": width, "height": height}, permissions=["camera", "microphone"],
        )  # fmt: skip
        try:
            yield Browser(context, _main_process(str(profile)))
        finally:
            await context.close()


def _film(path: Path, width: int, height: int) -> None:
    """A few seconds of the simulated camera's scene, uncompressed, at 30 pictures a second."""
    scene = Scene(width, height)
    with path.open("wb") as file:
        file.write(f"YUV4MPEG2 W{width} H{height} F30:1 Ip A1:1 C420jpeg\n".encode())
        for number in range(FILM_S * 30):
            file.write(b"FRAME\n" + scene.paint(1_800_000_000 + number / 30).tobytes())


def _main_process(profile: str) -> int:
    for process in psutil.process_iter(["cmdline"]):
        command = process.info["cmdline"] or []
        if f"--user-data-dir={profile}" in command and not any(word.startswith("--type=") for word in command):
            return process.pid
    raise RuntimeError("Chromium's main process was not found")


class Bridge:
    """Between the station's page and the broker: the page's words go up as the station's, the region's come down."""

    def __init__(self, station: str, link: Link) -> None:
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
async def bridged(link: Link, station: str) -> AsyncIterator[str]:
    """A bridge that runs on the station's link, and the address of its page."""
    bridge = Bridge(station, link)
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(bridge.app(), port=port, log_level="warning", lifespan="off"))
    async with AsyncExitStack() as stack:
        await link.start()
        stack.push_async_callback(link.stop)
        listening, serving = asyncio.create_task(bridge.listen()), asyncio.create_task(server.serve())
        stack.push_async_callback(_end, server, serving, listening)
        await eventually(lambda: link.is_up and server.started, 20)
        await bridge.be_present()
        yield f"http://127.0.0.1:{port}/"


async def _end(server: uvicorn.Server, serving: asyncio.Task[None], listening: asyncio.Task[None]) -> None:
    server.should_exit = server.force_exit = True  # the page's event stream would go on for ever
    listening.cancel()
    await asyncio.gather(serving, listening, return_exceptions=True)
