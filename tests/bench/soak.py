"""A call that goes on for an hour: `make soak` writes build/bench/soak.json (MINUTES=5 for a shorter one).

A region with its broker, a station with all its processes and a simulated sound card whose clock is off, and the
clinician's page in Chromium, on a slightly bad line (`LINE`, both ways). Both sides show the scene and say the speech
of `bench-line`, both talk all the time.

- Every `LOOK_S`: memory, threads and open files of each process, pictures a second, every pause of either picture,
  what the page's receivers did and what the page holds.
- Every `PROBE_S`, for a few seconds: pictures by their time code, sound found again in the speech: how late each is,
  and how much later the sound than the picture (`skew_ms`; of `out` against the first probe).
- In between something happens to the call, so that what is made anew and not let go of shows: the line is cut for some
  seconds, the clinician looks closer, takes a still and changes the camera, the broker's line is cut, the camera is
  unplugged, the clinician's camera is shut for a while.

What is aimed at stands in `soak_figures`; a run that misses an aim ends with 1. The figures are written as they come:
a run that is broken off leaves what it has. The page's memory is told and not judged: the bench keeps things in it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.async_api import Error, Page

from device.hardware.sim.scene import Scene
from tests.bench.impair import Impairment
from tests.bench.line_ends import SCRIPTS, THROUGH_RELAY, OurEnd, PageEnd, lead_through, serve_assets
from tests.bench.line_scene import talk, write_wav
from tests.bench.relay import Relay
from tests.bench.soak_figures import DIRECTIONS, table, verdict
from tests.bench.soak_watch import Ends, Pauses, weighed
from tests.bench.stations import PATIENCE_S, Ours, clinic_page, our_station
from tests.browser import desk_page
from tests.kits.house import House, running_house
from tests.kits.servers.dead_line import TcpLine

SIZE = (640, 480)
LINE = Impairment(loss=0.01, delay_ms=30, jitter_ms=30)
CLOCK_PPM = 100
LOOK_S, PROBE_S = 10.0, 30.0
CUT_S = 4.0
STILL_S = 120.0  # a still goes at half the pictures' rate: on a starved line that takes its time
MOST_STIRS = 20  # in a run, and not more than one in `LEAST_APART_S`
LEAST_APART_S = 60.0
_BEGIN = """
async () => {
  const { Pauses } = await import("/bench/soak.js");
  window.soak = new Pauses(document.querySelector("#remote"));
  setInterval(() => document.querySelector("#waiting [data-part=answer]:enabled")?.click(), 20);
  navigator.mediaDevices.getUserMedia = async ({ audio, video }) => {
    if (!audio) {  // the camera is turned on again, and the speech goes on
      const stream = line.streamWith(soak.voice);
      stream.removeTrack(soak.voice);
      return stream;
    }
    const stream = line.stream();
    soak.spoke = Date.now();
    [soak.voice] = stream.getAudioTracks();
    return stream;
  };
}
"""


@dataclass
class Soak:
    """The stage, set; `run` is what soak.json holds."""

    house: House
    relay: Relay
    broker: TcpLine
    page: Page
    station: Ours
    ends: Ends
    call: str | None
    run: dict[str, Any]
    out: Path
    pauses: dict[str, Pauses] = field(default_factory=lambda: {name: Pauses() for name in DIRECTIONS})

    async def hold(self, seconds: float) -> None:
        """The call goes on for so long."""
        apart = max(LEAST_APART_S, seconds / MOST_STIRS)
        probe, stir, stirs = PROBE_S / 2, apart, 0
        while (now := self._now()) < seconds and not self.run["ends"]:
            await self._look()
            if now >= stir and seconds - now > apart:
                await self._stir(stirs)
                stirs, stir, probe = stirs + 1, self._now() + apart, self._now() + PROBE_S / 2
            elif now >= probe:
                self.run["probes"].append(await self.ends.probe())
                probe = now + PROBE_S
            await asyncio.sleep(max(0.0, now + LOOK_S - self._now()))
        await self._look()

    def write(self) -> None:
        """What there is by now."""
        self.run["seconds"] = round(self._now(), 1)
        self.run["verdict"] = verdict(self.run)
        self.out.parent.mkdir(parents=True, exist_ok=True)
        part = self.out.with_suffix(".part")
        part.write_text(json.dumps(self.run, indent=1) + "\n", encoding="utf-8")
        part.replace(self.out)

    def _now(self) -> float:
        return time.time() - self.ends.began

    async def _look(self) -> None:
        at = self._now()
        page, seen = await self.page.evaluate("soak.take()"), await self.station.kept()
        self.pauses["out"].add(page["pauses"], self.ends.began)
        self.pauses["in"].add(seen["pauses"], self.ends.began)
        self.run["pauses"] = {name: pauses.all() for name, pauses in self.pauses.items()}
        view, levels = self.station.station.face.view, self.station.station.face.levels
        state, call = ("gone", None) if view is None else (view.state, view.call)
        look = {
            "at": round(at, 1), "state": state, "page": await self.ends.page(),
            "processes": await asyncio.to_thread(weighed, self.house, self.station),
            "fps": {"out": levels.fps_out, "in": levels.fps_in} if levels else None, "load": os.getloadavg()[0],
        }  # fmt: skip
        self.run["looks"].append(look)
        died = dict(self.house.processes.restarts)
        if call != self.call or died:
            self.run["ends"].append({"at": round(at, 1), "state": state, "died": died})
        self.write()
        held = look["processes"].get("call", {"own_mb": 0.0, "fds": 0})
        told = f"load {look['load']:.1f}, call {held['own_mb']:.1f} MiB, {held['fds']} files"
        print(f"{at:7.0f} s: {state}, {told}; {_brief(self.run['probes'])}", flush=True)

    async def _stir(self, number: int) -> None:
        name, do = self._stirs()[number % len(self._stirs())]
        stir: dict[str, Any] = {"at": self._now(), "name": name, "until": 0.0, "mended_s": None}
        print(f"{stir['at']:7.0f} s: {name}", flush=True)
        try:
            await do()
            over = self._now()
            await self._both_see(PATIENCE_S)
            stir["mended_s"] = round(self._now() - over, 2)
        except (AssertionError, TimeoutError, Error) as error:
            stir["trouble"] = f"{type(error).__name__}: {error}"
        stir["until"] = self._now()
        self.run["stirs"].append(stir)

    def _stirs(self) -> list[tuple[str, Callable[[], Awaitable[None]]]]:
        return [
            ("looked closer", self._look_closer), ("line cut", self._cut), ("camera unplugged", self._unplug),
            ("broker's line cut", self._cut_broker), ("clinician's camera shut", self._shut),
        ]  # fmt: skip

    async def _cut(self) -> None:
        await self.relay.set(Impairment(loss=1.0))
        await asyncio.sleep(CUT_S)
        await self.relay.set(LINE)

    async def _unplug(self) -> None:
        face = self.station.station.face
        face.turn("unplug_camera")
        await face.shows(lambda view: view.devices.camera == "missing", "the camera is missing")
        face.turn("plug_camera")

    async def _look_closer(self) -> None:
        for button in ("closer", "closer", "whole", "still"):
            await self.page.locator(f"[data-look={button}]").click()
            await asyncio.sleep(1)
        await self.page.locator("[data-part=discard]").click(timeout=STILL_S * 1000)
        for _ in ("examination", "room"):
            await self.page.locator("[data-look=camera]").click()
            await asyncio.sleep(3)

    async def _cut_broker(self) -> None:
        self.broker.die()
        await asyncio.sleep(3 * CUT_S)
        self.broker.mend()

    async def _shut(self) -> None:
        for _ in range(2):
            await self.page.locator("[data-part=camera]:visible").click()
            await asyncio.sleep(2)

    async def _both_see(self, seconds: float) -> None:
        """New pictures come at both ends, and the call stands as it should; TimeoutError."""
        await self.station.forget()
        async with asyncio.timeout(seconds):
            seen = await self.page.evaluate("soak.frames")
            while True:
                view = self.station.station.face.view
                came = await self.page.evaluate("soak.frames") - seen, (await self.station.kept())["frames"]
                if min(came) >= 3 and view is not None and view.state == "in_call":
                    return
                await asyncio.sleep(0.1)


def _brief(probes: list[dict[str, Any]]) -> str:
    if not probes:
        return "no probe yet"
    told = []
    for name in DIRECTIONS:
        one = probes[-1][name]
        told.append(f"{name}: {one['fps']} fps, {one['latency_ms']['p50']} ms, sound later by {one['skew_ms']} ms")
    return "; ".join(told)


async def soak(minutes: float, out: Path, *, screen: bool) -> dict[str, Any]:
    """The whole run."""
    async with AsyncExitStack() as stack:
        stage = await _stage(stack, out, screen=screen)
        stage.run |= {"minutes": minutes, "line": LINE.to_data(), "clock_ppm": CLOCK_PPM}
        try:
            await stage.hold(minutes * 60)
        finally:
            stage.write()
        return stage.run


async def _stage(stack: AsyncExitStack, out: Path, *, screen: bool) -> Soak:
    """Everything runs, and the two see each other."""
    house = await stack.enter_async_context(running_house())
    relay = await stack.enter_async_context(Relay(seed=1, impairment=LINE))
    broker = await stack.enter_async_context(TcpLine(house.broker))
    speech = house.root / "speech.wav"
    write_wav(speech, talk())
    ours = our_station(house, SIZE, microphone=str(speech), clock_ppm=CLOCK_PPM, screen=screen, broker=broker.port)
    station = await stack.enter_async_context(ours)
    clinic = await stack.enter_async_context(desk_page.chromium(desk_page.GRANT))
    page = await clinic_page(house, clinic, (*SCRIPTS, "soak.js"), THROUGH_RELAY)
    scene, desk = Scene(*SIZE), PageEnd(page)
    await lead_through(page, relay)
    await serve_assets(page, scene)
    await desk.prepare()
    await page.evaluate(_BEGIN)
    devtools = await page.context.new_cdp_session(page)
    await devtools.send("Performance.enable")
    await station.press()
    ends = Ends(desk, OurEnd(station), scene, CLOCK_PPM, 0.0, 0.0, devtools)
    run: dict[str, Any] = {name: [] for name in ("looks", "probes", "stirs", "ends")}
    run |= {"cores": os.cpu_count(), "pauses": {name: [] for name in DIRECTIONS}}
    stage = Soak(house, relay, broker, page, station, ends, None, run, out)
    await stage._both_see(PATIENCE_S)
    assert station.station.face.view is not None
    stage.call = station.station.face.view.call
    ends.began, ends.spoke = time.time(), await page.evaluate("soak.spoke") / 1000
    await page.evaluate("soak.take()")
    return stage


def main(arguments: list[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description="A long call, and what it costs and loses as it goes on.")
    parser.add_argument("--minutes", type=float, default=60.0, help="of call (default %(default)s)")
    parser.add_argument("--no-screen", action="store_true", help="without the resident's screen")
    parser.add_argument("--out", type=Path, default=Path("build/bench/soak.json"))
    options = parser.parse_args(arguments)
    run = asyncio.run(soak(options.minutes, options.out, screen=not options.no_screen))
    print(table(run["verdict"]))
    print(f"written to {options.out}")
    return 0 if run["verdict"]["met"] else 1


if __name__ == "__main__":
    sys.exit(main())
