"""Our station and a Chromium station on bad lines: `make bench-line` writes build/bench/line.json.

How it measures. One region, one clinician's page in one Chromium, one relay (`tests.bench.relay`) through which every
peer connection of that page leads. For each line (`line_cases`) first one station and then the other calls the page,
the other way round on the next line. The line is as it is from before the press; after `WARM_S` of call a span is
judged, in which what happens on the line happens. Both directions are impaired alike, each by itself.

What is judged, in both directions (`out`: the station to the clinician's page; `in`: the clinician to the station):

- `fps`, `freezes`, `freeze_s`: pictures shown, each counted once by its time code, and webrtc-stats' stand-stills.
- `latency_ms` (p50, p95): from the time code, painted when the picture is made, to the picture shown.
- `kbps`: what the line delivered: media, repairs, feedback and their UDP and IP headers.
- `ssim`: of luma, of a few pictures a second against the very picture that was sent, painted anew from its time
  code; one that came smaller is enlarged. `size` is the one most came in.
- `stoi`, `sound_missing`: of all that was played, against the speech that was sent (`line_sound`).
- `recovery_s`: after a burst, from the line's return, after a cap's fall, from the fall: until the picture shown is
  never again older than a second. null: it was not in the span.
- `out.receiver`: what the page's own receiver counted (webrtc-stats), to find what a bad figure comes from.
- beside them: `connect_s`, from the press to a picture at both ends (null: never), the station's processor and
  memory, what the relay counted, and the machine's load, by which a run on a busy machine is known.

What keeps it fair. Both stations and the page send the same scene and the same speech, made anew for each moment; the
Chromium station's is painted to the byte as our simulated camera's is (the bench compares before it begins), and
neither passes through a canvas. Both stations' microphones hear the speech from a file, and what they hear goes
through each one's own sound processing, as in a room (echo cancelling, noise suppression; Chromium's gain as well),
while both sides talk all the time; the page's own speech is sent as it is. The clinician's page is the same page in
both. A page keeps what its decoder gave (VideoFrame, and the track's samples); of our station the viewer keeps what
stands in the rings of screen and speaker. All clocks are one machine's.

Its limits. Signalling does not go through the relay: a line that is cut cuts the media only, for both. `stoi` of `out`
counts what sound processing changes, too: the case `clear` tells how much. Chromium's station shows its picture, ours
writes it into the ring. The Chromium station makes one peer connection a call and relies on it; ours makes new ones.
Two browsers and a station share this machine: on a loaded one frame rates and delays say little (`load`, `steal`).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import psutil
from playwright import async_api as playwright_api
from playwright.async_api import async_playwright

from device.hardware.sim.scene import Scene
from tests.bench.impair import HEADERS
from tests.bench.line_cases import MEASURE_S, WARM_S, Case, chosen
from tests.bench.line_ends import (
    SCRIPTS,
    THROUGH_RELAY,
    End,
    OurEnd,
    PageEnd,
    begin,
    finish,
    lead_through,
    serve_assets,
)
from tests.bench.line_figures import Received, Span, painter, picture_figures
from tests.bench.line_report import table
from tests.bench.line_scene import talk, write_wav
from tests.bench.line_sound import sound_figures
from tests.bench.relay import CLEAR, Direction, Relay
from tests.bench.stations import Ours, Peer, chromium_as, clinic_page, our_station
from tests.bench.usage import Meter, pss_mb
from tests.browser import desk_page
from tests.kits.house import running_house

SIZE = (640, 480)
CONNECT_S = 20.0
_AUTO = """
setInterval(() => line.auto && document.querySelector("#waiting [data-part=answer]:enabled")?.click(), 20);
navigator.mediaDevices.getUserMedia = async () => line.stream();
"""


@dataclass
class LineBench:
    """The stage, set."""

    relay: Relay
    desk: PageEnd
    stations: dict[str, tuple[Ours | Peer, End]]
    scene: Scene

    async def run(self, case: Case, name: str) -> dict[str, Any]:
        """One call on one line: its figures."""
        station, end = self.stations[name]
        await self.relay.set(case.standing)
        await self.desk.forget()
        await self.desk.page.evaluate("line.auto = true")
        pressed = time.time()
        await begin(station, end)
        try:
            seen = await self._both_see(end)
            connect_s = round(time.time() - pressed, 2) if seen else None
            return {"connect_s": connect_s, **await self._judge(case, station, end)}
        finally:
            await self.relay.set(CLEAR)
            await self.desk.page.evaluate("line.auto = false")
            await finish(station, self.desk.page)

    async def _both_see(self, end: End) -> bool:
        """Whether both saw a picture in time."""
        deadline = time.monotonic() + CONNECT_S
        while time.monotonic() < deadline:
            if await self.desk.sees() and await end.sees():
                return True
            await asyncio.sleep(0.1)
        return False

    async def _judge(self, case: Case, station: Ours | Peer, end: End) -> dict[str, Any]:
        await asyncio.sleep(WARM_S)
        await asyncio.gather(self.desk.keep(), end.keep())
        meter, times = Meter(station.processes()), psutil.cpu_times()
        before, told = await self.relay.figures(), await self.desk.told()
        await self.relay.set(case.impairment)
        began = time.time()
        await asyncio.sleep(case.seconds)
        ended = time.time()
        after, now_told = await self.relay.figures(), await self.desk.told()
        cost = {"cpu_percent": round(meter.percent(), 1), "pss_mb": round(pss_mb(station.processes()), 1)}
        machine = _machine(times)
        mending = (began + case.mending[0], began + case.mending[1]) if case.mending else None
        span = Span(began, ended, mending)
        received = {"out": await self.desk.received(), "in": await end.received()}
        judged = await asyncio.to_thread(self._figures, received, span)
        for direction, figures in judged.items():
            one, two = before[cast("Direction", direction)], after[cast("Direction", direction)]
            counts = {key: two[key] - one[key] for key in one if key != "queued"}
            bits = (counts["passed_bytes"] + counts["passed"] * HEADERS) * 8
            figures |= {"kbps": round(bits / 1000 / (ended - began)), "line": counts}
        judged["out"]["receiver"] = {
            kind: {name: round(value - told[kind].get(name, 0), 3) for name, value in values.items()}
            for kind, values in now_told.items()
        }
        return {**judged, **cost, "machine": machine}

    def _figures(self, received: dict[str, Received], span: Span) -> dict[str, dict[str, Any]]:
        repaint, sent = painter(self.scene), talk()
        return {
            direction: {**picture_figures(one, span, repaint), **sound_figures(sent, one.sound, span)}
            for direction, one in received.items()
        }


def _machine(since: Any) -> dict[str, float]:
    """How busy the machine was: its load over a minute, and since then, in per cent of all cores."""
    now = psutil.cpu_times()
    spent = sum(now) - sum(since) or 1.0
    shares = {"busy": 1 - (now.idle - since.idle) / spent, "steal": (now.steal - since.steal) / spent}
    return {"load": round(os.getloadavg()[0], 2), **{name: round(100 * share, 1) for name, share in shares.items()}}


async def measure(cases: list[Case], only: str = "") -> dict[str, Any]:
    """The whole run; what line.json holds. `only`: one of the stations."""
    result: dict[str, Any] = {"size": "x".join(map(str, SIZE)), "cores": os.cpu_count(), "cases": {}}
    async with AsyncExitStack() as stack:
        bench = await _stage(stack)
        for number, case in enumerate(cases):
            figures = result["cases"].setdefault(case.name, {"line": case.impairment.to_data()})
            names = [name for name in ("ours", "chromium") if name in (only or name)]
            for name in reversed(names) if number % 2 else names:
                figures[name] = await _one(bench, case, name)
                print(f"{case.name} {name}: {_brief(figures[name])}", flush=True)
    return result


async def _one(bench: LineBench, case: Case, name: str) -> dict[str, Any]:
    """One call; one that could not be held or judged has an `error` for figures, and the run goes on."""
    try:
        return await bench.run(case, name)
    except (AssertionError, TimeoutError, playwright_api.Error, psutil.Error) as error:
        return {"error": f"{type(error).__name__}: {error}"}


async def _stage(stack: AsyncExitStack) -> LineBench:
    house = await stack.enter_async_context(running_house())
    playwright = await stack.enter_async_context(async_playwright())
    relay = await stack.enter_async_context(Relay(seed=1))
    speech = house.root / "speech.wav"
    write_wav(speech, talk())
    ours = await stack.enter_async_context(our_station(house, SIZE, microphone=str(speech)))
    place = await house.add_station("chromium", call=False)
    peer = await stack.enter_async_context(chromium_as(place, playwright, SIZE, SCRIPTS, speech))
    clinic = await stack.enter_async_context(desk_page.chromium(desk_page.GRANT))
    page = await clinic_page(house, clinic, SCRIPTS, THROUGH_RELAY)
    scene = Scene(*SIZE)
    await lead_through(page, relay)
    for one in (page, peer.page):
        await serve_assets(one, scene)
        await PageEnd(one).prepare()
        await PageEnd(one).check_scene(scene)
    await page.evaluate(_AUTO)
    ends: dict[str, tuple[Ours | Peer, End]] = {"ours": (ours, OurEnd(ours)), "chromium": (peer, PageEnd(peer.page))}
    return LineBench(relay, PageEnd(page), ends, scene)


def _brief(figures: dict[str, Any]) -> str:
    if "error" in figures:
        return str(figures["error"])
    parts = [f"connect {figures['connect_s']} s, cpu {figures['cpu_percent']:.0f}, load {figures['machine']['load']}"]
    for direction in ("out", "in"):
        one = figures[direction]
        keys = ("fps", "freeze_s", "kbps", "ssim", "stoi", "sound_missing", "size", "recovery_s")
        told = ", ".join(f"{key} {one[key]}" for key in keys if key in one)
        parts.append(f"{direction}: latency {one['latency_ms']['p50']}/{one['latency_ms']['p95']}, {told}")
    return "; ".join(parts)


def main(arguments: list[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description="Our station and Chromium's on bad lines.")
    parser.add_argument("--cases", default="", help="some of them, with commas between (default: all)")
    parser.add_argument(
        "--seconds", type=float, default=MEASURE_S, help="how long a line is judged (default %(default)s)"
    )
    parser.add_argument(
        "--only", default="", choices=["", "ours", "chromium"], help="one station only, for a quick look"
    )
    parser.add_argument("--out", type=Path, default=Path("build/bench/line.json"))
    options = parser.parse_args(arguments)
    result = asyncio.run(measure(chosen(options.cases, options.seconds), options.only))
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    if not options.only:
        print(table(result))
    print(f"written to {options.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
