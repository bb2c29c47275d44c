"""The two ends of a call in `bench-line`: what each keeps of what it sees and hears, how a call begins and ends.

A page (the clinician's, the Chromium station's) keeps with line.js; our station's pictures and sound are kept by the
viewer, from the rings that its screen and its front panel read.
"""

from __future__ import annotations

import asyncio
import base64
import json
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from playwright.async_api import Error, Page, Route

from device.hardware.sim import timecode
from device.hardware.sim.scene import Scene
from tests.bench.line_figures import Grab, Received, Shown, taken_at
from tests.bench.line_scene import scene_parts, talk
from tests.bench.relay import HOST, Relay
from tests.bench.stations import PATIENCE_S, Ours, Peer

SCRIPTS = ("timecode.js", "line.js")
SOUND_RATE = 48_000
# The page's connections lead through the relay: each gets a leg of its own, and of both sides' candidates one is left,
# the leg's. The station needs to know nothing of it.
THROUGH_RELAY = """
window.peers = [];
window.RTCPeerConnection = class extends RTCPeerConnection {
  #leg;
  #told = false;
  constructor(...given) { super(...given); peers.push(this); }
  #line(port) { return `candidate:1 1 udp 2130706431 RELAY_HOST ${port} typ host`; }
  async setRemoteDescription({ type, sdp }) {
    this.#leg ??= await benchLeg();
    const bare = sdp.replace(/^a=(candidate:|end-of-candidates).*\\r\\n/gm, "");
    const lines = `a=${this.#line(this.#leg.clinic)}\\r\\na=end-of-candidates\\r\\n`;
    const [head, ...media] = bare.split(/^(?=m=)/m);
    await super.setRemoteDescription({ type, sdp: head + media.map((one) => one + lines).join("") });
  }
  async addIceCandidate() {}
  get localDescription() {
    const whole = super.localDescription;
    return whole && { type: whole.type, sdp: whole.sdp.replace(/^a=(candidate:|end-of-candidates).*\\r\\n/gm, "") };
  }
  set onicecandidate(tell) {
    super.onicecandidate = ({ candidate }) => {
      if (!candidate?.candidate) return tell({ candidate });
      if (this.#told) return;
      this.#told = true;
      const { sdpMid, sdpMLineIndex } = candidate;
      tell({ candidate: { candidate: this.#line(this.#leg.station), sdpMid, sdpMLineIndex } });
    };
  }
};
""".replace("RELAY_HOST", HOST)

# What the page's own receivers say, summed over the connections it has made, as webrtc-stats name it.
_TOLD = """
async () => {
  const names = {
    audio: ["concealedSamples", "silentConcealedSamples", "totalSamplesReceived", "insertedSamplesForDeceleration",
            "removedSamplesForAcceleration", "fecPacketsReceived", "jitterBufferDelay", "jitterBufferEmittedCount",
            "packetsReceived", "packetsLost", "packetsDiscarded"],
    video: ["framesDecoded", "framesDropped", "keyFramesDecoded", "freezeCount", "pliCount", "nackCount",
            "packetsReceived", "packetsLost", "retransmittedPacketsReceived"],
  };
  const told = { audio: {}, video: {} };
  for (const peer of peers)
    for (const report of (await peer.getStats()).values())
      if (report.type === "inbound-rtp")
        for (const name of names[report.kind])
          told[report.kind][name] = (told[report.kind][name] ?? 0) + (report[name] ?? 0);
  return told;
}
"""


class End(Protocol):
    """One end that keeps what it receives."""

    async def sees(self) -> bool:
        """Whether a picture of this call has come."""

    async def keep(self) -> None:
        """From now on."""

    async def received(self) -> Received:
        """Stop keeping, and give it."""


class PageEnd:
    """A page with line.js. `prepare` it after each load."""

    def __init__(self, page: Page) -> None:
        self.page = page

    async def prepare(self) -> None:
        """Make scene and speech there, and listen to its #remote."""
        await self.page.evaluate(
            """async () => {
              const { prepare } = await import("/bench/line.js");
              window.line = await prepare(document.querySelector("#remote"));
            }"""
        )

    async def forget(self) -> None:
        """Another call begins."""
        await self.page.evaluate("line.keeper.forget()")

    async def sees(self) -> bool:
        return bool(await self.page.evaluate("line.keeper.first !== null"))

    async def keep(self) -> None:
        await self.page.evaluate("line.keeper.on = true")

    async def received(self) -> Received:
        kept = await self.page.evaluate("(line.keeper.on = false, line.keeper.take())")
        shown = [Shown(at / 1000, taken_at(code, at / 1000)) for at, code in kept["pictures"]]
        near = shown[-1].at if shown else 0.0
        grabs = [_page_grab(grab, near) for grab in kept["grabs"]]
        return Received(shown, grabs, [_page_sound(*one) for one in kept["sound"]])

    async def told(self) -> dict[str, dict[str, float]]:
        """What its receivers say of themselves, so far, by kind and webrtc-stats' name."""
        said: dict[str, dict[str, float]] = await self.page.evaluate(_TOLD)
        return said

    async def check_scene(self, scene: Scene) -> None:
        """Its scene is to the byte the one of our simulated camera; AssertionError if it is not."""
        for milliseconds in (1_800_000_000_123, 1_800_000_007_890):
            script = f"new Uint8Array(line.scenery.paint({milliseconds})).toBase64()"
            painted = base64.b64decode(await self.page.evaluate(script))
            assert painted == scene.paint((milliseconds + 0.5) / 1000).tobytes(), "the pages paint another scene"


class OurEnd:
    """Our station, through its viewer."""

    def __init__(self, station: Ours) -> None:
        self._station = station
        self._folder: Path | None = None

    async def sees(self) -> bool:
        return (await self._station.kept())["first"] is not None

    async def keep(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="bench-line"))
        await self._station.forget()
        await self._station.keep(self._folder)

    async def received(self) -> Received:
        assert self._folder is not None
        await self._station.measure(False)
        strips = (await self._station.kept())["strips"]
        folder, self._folder = self._folder, None
        return await asyncio.to_thread(_read_kept, strips, folder)


def _read_kept(strips: list[tuple[float, str]], folder: Path) -> Received:
    received = Received()
    try:
        for at, strip in strips:
            code = timecode.read(np.tile(np.frombuffer(base64.b64decode(strip), np.uint8), (80, 1)))
            if code is not None:
                received.pictures.append(Shown(at / 1000, taken_at(code, at / 1000)))
        for path in sorted(folder.iterdir(), key=lambda path: float(path.stem.split("_")[0])):
            at, _, size = path.stem.partition("_")
            if path.suffix == ".s16":
                received.sound.append((float(at) / 1000, np.fromfile(path, np.int16)))
                continue
            width, height = (int(side) for side in size.split("x"))
            luma = np.fromfile(path, np.uint8).reshape(height, width)
            code = timecode.read(luma)
            if code is not None:
                received.grabs.append(Grab(taken_at(code, float(at) / 1000), luma))
    finally:
        shutil.rmtree(folder)
    return received


def _page_grab(grab: dict[str, Any], near: float) -> Grab:
    luma = np.frombuffer(base64.b64decode(grab["luma"]), np.uint8).reshape(grab["height"], grab["width"])
    return Grab(taken_at(grab["code"], near), luma)


def _page_sound(at: float, rate: int, samples: str) -> tuple[float, np.ndarray[tuple[int], np.dtype[np.int16]]]:
    assert rate == SOUND_RATE, rate
    return at / 1000, np.frombuffer(base64.b64decode(samples), np.int16)


async def serve_assets(page: Page, scene: Scene) -> None:
    """Give a page what line.js fetches."""
    parts, planes = scene_parts(scene)
    bodies = {"scene.json": json.dumps(parts).encode(), "scene.bin": planes, "speech.bin": talk().tobytes()}

    async def answer(route: Route) -> None:
        await route.fulfill(body=bodies[route.request.url.rpartition("/")[2]])

    for name in bodies:
        await page.route(f"**/bench/{name}", answer)


async def lead_through(page: Page, relay: Relay) -> None:
    """The page's peer connections get their legs from this relay."""

    async def leg() -> dict[str, int]:
        one = await relay.leg()
        return {"station": one.station, "clinic": one.clinic}

    await page.expose_function("benchLeg", leg)


async def begin(station: Ours | Peer, end: End) -> None:
    """The resident presses."""
    if isinstance(station, Peer):
        assert isinstance(end, PageEnd)
        await end.prepare()
        await station.page.evaluate(
            """() => {
              const open = MediaDevices.prototype.getUserMedia.bind(navigator.mediaDevices);
              navigator.mediaDevices.getUserMedia = () => open({ audio: true });
              station.makeStream = (width, height, fps, device) => line.streamWith(device.getAudioTracks()[0]);
            }"""
        )
    else:
        await station.forget()
    await station.press()


async def finish(station: Ours | Peer, desk: Page) -> None:
    """End the call if it still is one, and be ready for the next."""
    if isinstance(station, Peer):
        if await station.page.evaluate("station.state") != "idle":
            await station.press()
        await station.state("idle")
        await station.page.reload()
        await station.page.wait_for_function("station.ready")
    else:
        view = station.station.face.view
        if view is not None and view.state in ("calling", "connecting", "in_call", "resuming"):
            station.station.face.press()
        await station.station.rested()
    over = "['', undefined, 'ended'].includes(document.querySelector('#call').dataset.state)"
    with suppress(Error):
        await desk.wait_for_function(over, timeout=PATIENCE_S * 1000)
