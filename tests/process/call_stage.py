"""A stage for the real `station call` process: a real broker, and doubles of the region, the browser and the screen."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import numpy as np
from aiortc import (
    AudioStreamTrack,
    RTCPeerConnection,
    RTCSessionDescription,
    VideoStreamTrack,
)
from aiortc.contrib.media import MediaBlackhole
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from av import VideoFrame

from messaging.call import Answer, FromRegion, FromStation, from_station, new_call_id, to_data
from messaging.clock import SystemClock
from messaging.codec import decode, encode
from messaging.envelope import Sealer, open_envelope
from messaging.link import port
from messaging.link.local import LocalClient
from messaging.link.mqtt import MqttLink
from messaging.local import CALL_SOCKET, CallView, Message, Press, Refusal, Simulate
from messaging.status import Connection
from messaging.topics import down, parse, region_subscriptions
from messaging.twin import Config, Desired
from tests.kits.servers.broker import Broker

T = TypeVar("T")
STATION = "st-00000001"
PATIENCE_S = 30.0  # generous: the machine may be busy; what is measured is printed


class Watched:
    """Something that changes; whoever waits for it is woken by each change."""

    def __init__(self) -> None:
        self._changed: asyncio.Event = asyncio.Event()

    def changed(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def until(self, look: Callable[[], T | None], what: str, seconds: float = PATIENCE_S) -> T:
        """The first thing that `look` finds."""
        try:
            async with asyncio.timeout(seconds):
                while (found := look()) is None:
                    await self._changed.wait()
                return found
        except TimeoutError:
            raise AssertionError(f"it never happened within {seconds} s: {what}") from None


class RegionDouble(Watched):
    """A scripted region: hears all that the station says, and says what the test wants."""

    def __init__(self, broker: Broker) -> None:
        super().__init__()
        clock = SystemClock()
        self.sealer = Sealer(clock.monotonic, clock.wall)
        self.link = MqttLink(broker.settings("region"), region_subscriptions(), None, clock)
        self.presence: Connection | None = None
        self._said: deque[tuple[str, FromStation]] = deque(maxlen=1000)
        self._listening: asyncio.Task[None] | None = None

    async def start(self) -> None:
        await self.link.start()
        self._listening = asyncio.create_task(self._listen())
        await self.until(lambda: self.link.is_up or None, "the region's link is up")

    async def stop(self) -> None:
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)
        await self.link.stop()

    async def hears(self, kind: type[T], call: str | None = None, seconds: float = PATIENCE_S) -> tuple[str, T]:
        """The next message of that kind (call, message), taken; what came before it stays."""

        def look() -> tuple[str, T] | None:
            for entry in self._said:
                if isinstance(entry[1], kind) and call in (None, entry[0]):
                    self._said.remove(entry)
                    return entry  # type: ignore[return-value]
            return None

        return await self.until(look, f"the station says {kind.__name__}; it said {list(self._said)}", seconds)

    def heard_nothing_of(self, kind: type) -> bool:
        return not any(isinstance(message, kind) for _, message in self._said)

    async def tells(self, call: str, message: FromRegion) -> bytes:
        payload = self.sealer.seal(to_data(message))
        await self.throws(call, payload)
        return payload

    async def throws(self, call: str, payload: bytes, *, retain: bool = False) -> None:
        """Anything at all, on the topic of a call."""
        await self.link.publish(down(STATION, "call", call), payload, retain=retain)

    async def _listen(self) -> None:
        async for event in self.link.events():
            if isinstance(event, port.Inbound):
                self.link.ack(event)
                topic = parse(event.topic)
                data = open_envelope(event.payload).data
                if topic.branch == "conn":
                    self.presence = decode(Connection, data)
                elif topic.branch == "call":
                    self._said.append((topic.words[0], from_station(data)))
            self.changed()


class BrowserDouble(Watched):
    """A clinician's browser made of aiortc: counts the station's pictures and sound that arrive."""

    def __init__(self) -> None:
        super().__init__()
        self.pc = RTCPeerConnection()
        self.pictures = 0
        self.loudest = 0
        self.control: list[dict[str, object]] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._sink = MediaBlackhole()
        self.pc.on("track", self._track)
        self.channel = self.pc.createDataChannel("control", negotiated=True, id=0)
        self.channel.on("message", self._control)
        self.channel.on("open", self.changed)

    async def answers(self, offer: str) -> str:
        """The answer, with all candidates in it."""
        await self.pc.setRemoteDescription(RTCSessionDescription(offer, "offer"))
        for transceiver in self.pc.getTransceivers():
            track = Picture() if transceiver.kind == "video" else AudioStreamTrack()
            transceiver.sender.replaceTrack(track)
            transceiver.direction = "sendrecv"
        await self.pc.setLocalDescription(await self.pc.createAnswer())
        return str(self.pc.localDescription.sdp)

    async def sees(self, more: int) -> None:
        """So many more pictures of the station arrive."""
        wanted = self.pictures + more
        await self.until(lambda: self.pictures >= wanted or None, f"{more} more pictures")

    async def says(self, message: dict[str, object]) -> None:
        """Over the control channel, as soon as it is open."""
        await self.until(lambda: self.channel.readyState == "open" or None, "the control channel is open")
        self.channel.send(json.dumps(message))

    def vanishes(self) -> None:
        """Without a word: nothing leaves its sockets any more, not even the end of the encryption."""
        for protocol in self.pc.sctp.transport.transport._connection._protocols:
            protocol.transport.close()

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.pc.close()

    def _track(self, track: MediaStreamTrack) -> None:
        self._tasks.append(asyncio.create_task(self._watch(track)))

    async def _watch(self, track: MediaStreamTrack) -> None:
        with contextlib.suppress(MediaStreamError):
            while True:
                frame = await track.recv()
                if isinstance(frame, VideoFrame):
                    self.pictures += 1
                else:
                    self.loudest = max(self.loudest, int(np.abs(frame.to_ndarray()).max()))
                self.changed()

    def _control(self, text: str) -> None:
        self.control.append(json.loads(text))
        self.changed()


class Picture(VideoStreamTrack):
    """The clinician's camera: grey pictures, 30 a second."""

    async def recv(self) -> VideoFrame:
        pts, time_base = await self.next_timestamp()
        frame = VideoFrame.from_ndarray(np.full((240 * 3 // 2, 320), 128, np.uint8), format="yuv420p")
        frame.pts, frame.time_base = pts, time_base
        return frame


class ScreenDouble(Watched):
    """A client of `call.sock`, as the screen and the panel are."""

    def __init__(self, runtime_dir: Path) -> None:
        super().__init__()
        self.view: CallView | None = None
        self.refusals: list[str] = []
        self._client = LocalClient(runtime_dir / CALL_SOCKET, self._heard, self._gone, SystemClock())
        self._running = asyncio.create_task(self._client.run())

    async def shows(self, wanted: Callable[[CallView], bool], what: str, seconds: float = PATIENCE_S) -> CallView:
        """The first view of which `wanted` holds."""

        def look() -> CallView | None:
            return self.view if self.view is not None and wanted(self.view) else None

        try:
            return await self.until(look, what, seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}; last view: {self.view}") from None

    async def state(self, name: str, seconds: float = PATIENCE_S) -> CallView:
        return await self.shows(lambda view: view.state == name, f"state {name}", seconds)

    def press(self) -> None:
        assert self._client.send(Press())

    def turn(self, knob: str) -> None:
        self.say(Simulate(knob))

    def say(self, message: Message) -> None:
        assert self._client.send(message)

    async def close(self) -> None:
        self._running.cancel()
        await asyncio.gather(self._running, return_exceptions=True)

    def _heard(self, message: Message) -> None:
        if isinstance(message, CallView):
            self.view = message
        elif isinstance(message, Refusal):
            self.refusals.append(message.code)
        self.changed()

    def _gone(self) -> None:
        self.view = None
        self.changed()


@dataclass
class StationProcess:
    """The real `station call`, with directories of its own. `lines` is its log."""

    folder: Path
    process: asyncio.subprocess.Process | None = None
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=400))
    started: float = 0.0
    _reading: asyncio.Task[None] | None = None

    @property
    def runtime_dir(self) -> Path:
        return self.folder / "run"

    @property
    def state_dir(self) -> Path:
        return self.folder / "state"

    def furnish(self) -> None:
        """Its config, and what the agent would have left in the state directory, save an identity."""
        self.runtime_dir.mkdir(parents=True)
        self.state_dir.mkdir()
        (self.folder / "station.toml").write_text(
            f'[station]\nhardware = "sim"\nstate_dir = "{self.state_dir}"\nruntime_dir = "{self.runtime_dir}"\n'
            "[media]\nwidth = 320\nheight = 240\nfps = 15\n"
        )
        standing = Desired(1, Config(clinic="Doctors Demo", phone="12345678", language="en"))
        (self.state_dir / "config.json").write_text(json.dumps(encode(standing)))

    def enrol(self, broker: Broker) -> None:
        """Key, certificate, trust, and the identity last."""
        identity = broker.identity(STATION)
        (self.state_dir / "key.pem").write_bytes(identity.key.read_bytes())
        (self.state_dir / "certificate.pem").write_bytes(identity.certificate.read_bytes())
        (self.state_dir / "ca.pem").write_bytes(broker.authority.ca.read_bytes())
        address = {"station": STATION, "broker": f"{broker.host}:{broker.port}", "url": "https://127.0.0.1:1"}
        (self.state_dir / "identity.json").write_text(json.dumps(address))

    async def start(self) -> None:
        environment = {**os.environ, "STATION_CONFIG": str(self.folder / "station.toml"), "PYTHONPATH": str(Path.cwd())}
        environment.pop("STATION_HARDWARE", None)
        self.started = time.monotonic()
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "device.cli", "call", env=environment, stderr=asyncio.subprocess.PIPE
        )
        self._reading = asyncio.create_task(self._read())

    async def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and wait for the end; its exit code."""
        assert self.process is not None and self._reading is not None
        if self.process.returncode is None:
            self.process.send_signal(number)
        code = await asyncio.wait_for(self.process.wait(), PATIENCE_S)
        await self._reading
        return code

    async def _read(self) -> None:
        assert self.process is not None and self.process.stderr is not None
        async for line in self.process.stderr:
            self.lines.append(line.decode(errors="replace").rstrip())


@dataclass
class Stage:
    """All of them together."""

    broker: Broker
    region: RegionDouble
    station: StationProcess
    screen: ScreenDouble
    browsers: list[BrowserDouble] = field(default_factory=list)

    def browser(self) -> BrowserDouble:
        self.browsers.append(BrowserDouble())
        return self.browsers[-1]

    async def ready(self) -> None:
        await self.screen.state("idle")


@contextlib.asynccontextmanager
async def staged(broker: Broker, folder: Path, *, enrolled: bool = True) -> AsyncIterator[Stage]:
    """The station process beside a broker that runs; everything ends with the `with`."""
    station = StationProcess(folder)
    station.furnish()
    if enrolled:
        station.enrol(broker)
    region, screen = RegionDouble(broker), ScreenDouble(station.runtime_dir)
    stage = Stage(broker, region, station, screen)
    await region.start()
    await station.start()
    try:
        yield stage
    finally:
        await _all(station.end, screen.close, *(browser.close for browser in stage.browsers), region.stop)
        print("\n".join(station.lines))  # shown where a test fails


async def _all(*steps: Callable[[], Awaitable[object]]) -> None:
    async with contextlib.AsyncExitStack() as stack:
        for step in reversed(steps):
            stack.push_async_callback(step)


def some_call() -> str:
    """The id of a call that nobody has."""
    return new_call_id()


async def answered(stage: Stage, call: str, offer_sdp: str, generation: int = 1) -> BrowserDouble:
    """A browser answers this offer, through the region."""
    browser = stage.browser()
    sdp = await browser.answers(offer_sdp)
    await stage.region.tells(call, Answer(generation, sdp, "Ann Demo", "GP"))
    return browser
