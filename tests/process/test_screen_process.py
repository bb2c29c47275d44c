"""The real screen process, as systemd starts it, with the product's own sockets and rings on the other side."""

from __future__ import annotations

import asyncio
import io
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from kiosk_ui.screen.palette import PALETTES
from messaging.call import Devices
from messaging.frames import RingWriter
from messaging.link.local import LocalServer, Reply
from messaging.local import AGENT_SOCKET, CALL_SOCKET, OWN_RING, REMOTE_RING, CallView, Message, ScreenAlive
from tests.kits.eventually import eventually
from tests.kits.promptness import Stopwatch
from tests.kits.servers.display import x_display
from tests.kits.station.screen_scenes import agent_view, call_view

pytestmark = pytest.mark.system

ROOT = Path(__file__).parents[2]
Colour = tuple[int, int, int]
GROUND, BAR, CENTRE = (0.01, 0.5), (0.995, 0.99), (0.5, 0.25)


@pytest.fixture(scope="module")
def display() -> Iterator[str]:
    with x_display() as name:
        yield name


class Station:
    """A screen process, and hands on the two processes that it follows."""

    def __init__(self, folder: Path, display: str) -> None:
        self.folder = folder
        self.environment = {
            **{key: value for key, value in os.environ.items() if key not in ("WAYLAND_DISPLAY", "QT_QPA_PLATFORM")},
            "DISPLAY": display,
            "PYTHONPATH": str(ROOT),
            "LANG": "da_DK.UTF-8",
            "STATION_CONFIG": str(folder / "station.toml"),
        }
        self.mirror = folder / "mirror.jpg"
        self.alive: list[int] = []
        self.call = LocalServer(folder / CALL_SOCKET, self._unexpected)
        self.agent = LocalServer(folder / AGENT_SOCKET, self._told)
        self.process: asyncio.subprocess.Process | None = None
        (folder / "station.toml").write_text(
            f'[station]\nhardware = "sim"\nstate_dir = "{folder}"\nruntime_dir = "{folder}"\n'
            f'[screen]\nsize = "640x400"\nmirror = "{self.mirror}"\n'
        )

    async def start_screen(self) -> None:
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "device.cli", "screen", env=self.environment, stderr=asyncio.subprocess.PIPE
        )

    async def stop_screen(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        assert self.process is not None
        with suppress(ProcessLookupError):
            self.process.send_signal(number)
        _, errors = await self.process.communicate()
        assert self.process.returncode is not None
        return self.process.returncode, errors.decode()

    async def shows(self, place: tuple[float, float], colour: str | Callable[[Colour], bool]) -> None:
        """Wait until the mirror has this colour (or one that satisfies) at this place (parts of its sides)."""
        await eventually(lambda: self._matches(place, colour), why=lambda: f"at {place}: {self._pixel(place)}")

    def _matches(self, place: tuple[float, float], colour: str | Callable[[Colour], bool]) -> bool:
        seen = self._pixel(place)
        if seen is None:
            return False
        if callable(colour):
            return colour(seen)
        wanted = [int(colour[at : at + 2], 16) for at in (1, 3, 5)]
        return all(abs(one - other) <= 6 for one, other in zip(seen, wanted, strict=True))

    def _pixel(self, place: tuple[float, float]) -> Colour | None:
        if not self.mirror.exists():
            return None
        with Image.open(io.BytesIO(self.mirror.read_bytes())) as image:  # a torn file would raise here
            at = int(place[0] * (image.width - 1)), int(place[1] * (image.height - 1))
            red, green, blue = image.convert("RGB").getpixel(at)  # type: ignore[misc]
            return red, green, blue

    def _told(self, message: Message, _reply: Reply) -> None:
        assert isinstance(message, ScreenAlive)
        self.alive.append(message.frames)

    def _unexpected(self, message: Message, _reply: Reply) -> None:
        raise AssertionError(f"the screen commands nothing: {message}")


@asynccontextmanager
async def running(folder: Path, display: str) -> AsyncIterator[Station]:
    station = Station(folder, display)
    await station.call.start()
    await station.agent.start()
    station.agent.show(agent_view())
    station.call.show(call_view("offline"))
    await station.start_screen()
    try:
        yield station
    finally:
        if station.process is not None and station.process.returncode is None:
            await station.stop_screen(signal.SIGKILL)
        await station.call.stop()
        await station.agent.stop()


@pytest.fixture
async def station(tmp_path: Path, display: str) -> AsyncIterator[Station]:
    async with running(tmp_path, display) as station:
        yield station


def warm(colour: Colour) -> bool:
    return colour[0] > colour[2] + 30 and colour[0] > 120


def in_call(**changes: object) -> CallView:
    now = time.time()
    return replace(call_view("in_call", since=now, connected_since=now, call="c1"), **changes)  # type: ignore[arg-type]


async def picture_flow(station: Station, ring: RingWriter) -> None:
    planes = (bytes([170]) * 640 * 480, bytes([110]) * (320 * 240), bytes([160]) * (320 * 240))
    while True:
        ring.write(640, 480, time.time_ns() // 1000, planes)
        await asyncio.sleep(1 / 30)


@asynccontextmanager
async def pictures(station: Station, name: str) -> AsyncIterator[None]:
    """The other side's (or the own) pictures come, thirty a second, for as long as this is open."""
    ring = RingWriter(station.folder / name, 640, 480)
    flow = asyncio.create_task(picture_flow(station, ring))
    try:
        yield
    finally:
        flow.cancel()
        await asyncio.gather(flow, return_exceptions=True)
        ring.close()


async def test_each_state_is_on_the_display_as_soon_as_it_is_told(station: Station) -> None:
    for state, tone in (("offline", "trouble"), ("ringing", "ringing"), ("calling", "calling"), ("fault", "trouble")):
        station.call.show(call_view(state))  # type: ignore[arg-type]
        await station.shows(GROUND, PALETTES[tone].ground)  # type: ignore[index]
        await station.shows(BAR, PALETTES[tone].bar)  # type: ignore[index]


async def test_a_call_shows_the_other_side_and_says_when_the_picture_stands_still(station: Station) -> None:
    station.call.show(in_call())
    await station.shows(GROUND, PALETTES["live"].ground)
    async with pictures(station, REMOTE_RING):
        await station.shows(CENTRE, warm)
    await station.shows(CENTRE, lambda colour: max(colour) < 110)  # dimmed: no picture has come for two seconds
    async with pictures(station, REMOTE_RING):  # station-call was quick to come back, with a ring of its own
        await station.shows(CENTRE, warm)
    station.call.show(call_view("feedback", reason="clinician_left"))
    await station.shows(CENTRE, PALETTES["calm"].ground)


async def test_the_next_call_begins_without_the_last_ones_picture(station: Station) -> None:
    station.call.show(in_call(call="c1"))
    async with pictures(station, REMOTE_RING):
        await station.shows(CENTRE, warm)
    station.call.show(in_call(call="c2"))
    await station.shows((0.5, 0.02), PALETTES["live"].ground)


async def test_an_open_camera_lights_the_sign_even_where_it_should_be_closed(station: Station) -> None:
    sign = (0.977, 0.06)
    station.call.show(call_view("ringing"))
    await station.shows(sign, PALETTES["ringing"].ground)
    async with pictures(station, OWN_RING):
        await station.shows(sign, lambda colour: colour[0] > 100 > 2 * colour[1])
    await station.shows(sign, PALETTES["ringing"].ground)


async def test_a_press_that_can_do_nothing_is_seen_at_once(station: Station) -> None:
    station.call.show(call_view("offline", presses_refused=1))
    await station.shows(BAR, PALETTES["trouble"].bar)
    station.call.show(call_view("offline", presses_refused=2))
    await station.shows(BAR, PALETTES["trouble"].bar_ink)
    await station.shows(BAR, PALETTES["trouble"].bar)


async def test_it_says_once_a_second_that_it_draws(station: Station) -> None:
    await eventually(lambda: len(station.alive) >= 3)
    assert station.alive == sorted(set(station.alive))


async def test_station_call_away_and_back_is_followed(station: Station) -> None:
    await station.shows(GROUND, PALETTES["trouble"].ground)
    await station.call.stop()
    await station.shows(BAR, PALETTES["calm"].ground)  # one moment: there is no bar, for the button does nothing
    station.call = LocalServer(station.folder / CALL_SOCKET, lambda _message, _reply: None)
    await station.call.start()
    station.call.show(call_view("ringing"))
    await station.shows(GROUND, PALETTES["ringing"].ground)


async def test_rubbish_on_the_socket_is_refused_and_the_next_view_is_taken(station: Station) -> None:
    await station.shows(GROUND, PALETTES["trouble"].ground)
    await station.call.stop()
    rubbish = [b"{", b'{"type":"call","state":"dancing"}', b"\xff\xfe", b"[]", b"x" * 200_000, b'{"type":"nonsense"}']
    sent: list[bytes] = []

    async def serve(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(sent) < len(rubbish):
            sent.append(rubbish[len(sent)])
            writer.write(sent[-1] + b"\n")
        with suppress(ConnectionError):
            await writer.drain()
        writer.close()

    server = await asyncio.start_unix_server(serve, station.folder / CALL_SOCKET)
    await eventually(lambda: len(sent) == len(rubbish))
    server.close()
    await server.wait_closed()
    station.call = LocalServer(station.folder / CALL_SOCKET, lambda _message, _reply: None)
    await station.call.start()
    station.call.show(call_view("ringing"))
    await station.shows(GROUND, PALETTES["ringing"].ground)
    _, errors = await station.stop_screen()
    assert "said something that is no message" in errors
    assert "Traceback" not in errors


async def test_killed_in_a_call_it_is_back_within_three_seconds(station: Station) -> None:
    station.call.show(in_call(devices=Devices(camera="missing")))
    async with pictures(station, REMOTE_RING):
        await station.shows(CENTRE, warm)
        await station.stop_screen(signal.SIGKILL)
        station.mirror.unlink()
        watch = Stopwatch()
        await station.start_screen()
        await station.shows(CENTRE, warm)
        assert station.process is not None
        assert watch.within(3.0, pid=station.process.pid, work_s=1.5), watch


async def test_told_to_stop_it_stops_in_order(station: Station) -> None:
    await station.shows(GROUND, PALETTES["trouble"].ground)
    code, errors = await station.stop_screen()
    assert code == 0
    assert errors == ""


async def test_systemd_hears_of_the_first_frame_and_of_every_second_in_which_it_draws(
    tmp_path: Path, display: str
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.setblocking(False)
        station = Station(tmp_path, display)
        station.environment["NOTIFY_SOCKET"] = str(tmp_path / "notify")
        await station.start_screen()
        loop = asyncio.get_running_loop()
        heard = [await asyncio.wait_for(loop.sock_recv(systemd, 64), 10) for _ in range(3)]
        await station.stop_screen()
    assert heard == [b"READY=1", b"WATCHDOG=1", b"WATCHDOG=1"]


async def test_without_a_display_it_says_what_to_do_and_ends_with_2(tmp_path: Path) -> None:
    station = Station(tmp_path, ":4711")
    await station.start_screen()
    assert station.process is not None
    _, errors = await station.process.communicate()
    assert station.process.returncode == 2
    assert b'the display ":4711" does not answer' in errors
    assert errors.count(b"\n") == 1
