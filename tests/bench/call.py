"""Our station beside a Chromium that plays the station: `make bench-call` writes build/bench/call.json.

One region, one clinician's page in one Chromium. Each round, for each size, first one station and then the other is
called with (in the other order the next round), over the same broker with the same signalling. A first round warms
both up and is not counted.

`connect_ms`: from the press, with a page that answers at once, to the first decoded picture at both ends.
`answer_ms`: the clinician calls; from the press that answers to the same.
`latency_…_ms`: read from a time code in the picture.
`cpu_percent`: of one core. `pss_mb`: proportional memory, MiB.

Ours counts station-call, station-agent and a client that takes every picture and draws none; the real screen's cost
stands beside it. Chromium counts all its processes, and shows the picture. While it is weighed its camera plays a file
of the scene that our simulated camera paints, and its microphone hears the speech that ours hears: both cancel echo,
suppress noise and encode the same.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from playwright import async_api as playwright_api
from playwright.async_api import Page, async_playwright

from device.hardware.sim.speech import speech
from messaging.errors import MessageError
from messaging.local import CALL_SOCKET, CallView, from_line
from region.demo.display import in_memory, shown_on
from tests.bench.line_scene import write_wav
from tests.bench.report import Figures, table, written
from tests.bench.stations import PATIENCE_S, Ours, Station, chromium_as, clinic_page, enrolled, our_station
from tests.bench.usage import Meter, pss_mb
from tests.browser import desk_page
from tests.kits.house import House, RunningStation, running_house

SIZES = ((640, 480), (1280, 720))
SETTLE_S, LATENCY_S, WEIGH_S = 3.0, 3.0, 5.0
_PEERS = """
window.peers = [];
const Stock = RTCPeerConnection;
window.RTCPeerConnection = class extends Stock {
  constructor(...given) { super(...given); peers.push(this); }
};
"""
_BYTES = """
async () => {
  const sums = [0, 0];
  for (const peer of peers.filter((one) => one.connectionState === "connected"))
    for (const report of (await peer.getStats()).values()) {
      if (report.type === "inbound-rtp" && report.kind === "video") sums[0] += report.bytesReceived;
      if (report.type === "outbound-rtp" && report.kind === "video") sums[1] += report.bytesSent;
    }
  return sums;
}
"""
_INIT = """
import("/bench/timecode.js").then(({{ follow, newRecord, timedStream }}) => {{
  window.bench = {{ record: newRecord(), auto: false }};
  navigator.mediaDevices.getUserMedia = async () => timedStream({width}, {height}, 30);
  follow(document.querySelector("#remote"), bench.record);
  setInterval(() => bench.auto && document.querySelector("#waiting [data-part=answer]:enabled")?.click(), 5);
}});
"""


@dataclass
class Bench:
    """One size: the two stations, the clinician's page, and what has been measured."""

    size: tuple[int, int]
    stations: dict[str, Station]
    desk: Page
    figures: dict[str, Figures] = field(default_factory=lambda: {"ours": Figures(), "chromium": Figures()})

    async def round(self, number: int) -> None:
        """Each station once, in turn first and second; round 0 warms up and is thrown away."""
        for name in ("ours", "chromium") if number % 2 else ("chromium", "ours"):
            figures = Figures()
            await self._call(self.stations[name], figures)
            await self._answer(self.stations[name], figures)
            if number:
                self.figures[name].add(figures)
            print(f"round {number} {self.size[0]}x{self.size[1]} {name}: {figures.line()}", flush=True)

    async def _call(self, station: Station, figures: Figures) -> None:
        """The resident presses, the page answers at once; then latency and weight."""
        desk = self.desk
        await self._ready(station, auto=True)
        pressed = await station.press()
        figures["connect_ms"].append(await self._both_see(station) - pressed)
        await asyncio.sleep(SETTLE_S)
        await asyncio.gather(station.measure(True), desk.evaluate("bench.record.measuring = true"))
        await asyncio.sleep(LATENCY_S)
        await asyncio.gather(station.measure(False), desk.evaluate("bench.record.measuring = false"))
        figures["latency_out_ms"] += await desk.evaluate("bench.record.ages")
        figures["latency_in_ms"] += (await station.report())["ages"]
        await station.plain()
        await asyncio.sleep(SETTLE_S / 2)
        before = await self._came(station)
        await self._weigh(station.processes(), "", figures)
        after = await self._came(station)
        for name, unit in (("fps_out", 1.0), ("fps_in", 1.0), ("kbps_out", 125.0), ("kbps_in", 125.0)):
            figures[name].append((after[name] - before[name]) / WEIGH_S / unit)
        if isinstance(station, Ours):
            async with real_screen(station.station, self.size) as screen:
                await self._weigh([psutil.Process(screen)], "screen_", figures)
        await station.hang_up()

    async def _answer(self, station: Station, figures: Figures) -> None:
        """The clinician calls, the resident presses to answer."""
        desk = self.desk
        await self._ready(station, auto=False)
        row = desk.locator("#stations > li").filter(has_text=station.name)
        await row.locator("[data-part=call]").click(timeout=PATIENCE_S * 1000)
        await station.state("ringing")
        await desk.wait_for_function("document.querySelector('#call').dataset.state === 'ringing'")
        await asyncio.sleep(1)  # a person looks first
        pressed = await station.press()
        figures["answer_ms"].append(await self._both_see(station) - pressed)
        await station.hang_up()

    async def _ready(self, station: Station, *, auto: bool) -> None:
        desk = self.desk
        await station.state("idle")
        await desk.wait_for_function("['', undefined, 'ended'].includes(document.querySelector('#call').dataset.state)")
        await station.forget()
        await desk.evaluate("Object.assign(bench.record, { first: null, frames: 0, ages: [] })")
        await desk.evaluate(f"bench.auto = {json.dumps(auto)}")

    async def _both_see(self, station: Station) -> float:
        """When both have had their first picture, Unix milliseconds."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                firsts = [await self.desk.evaluate("bench.record.first"), (await station.report())["first"]]
                if None not in firsts:
                    return float(max(firsts))
                await asyncio.sleep(0.1)

    async def _came(self, station: Station) -> dict[str, float]:
        """Pictures (the station's at the clinic, the clinician's at the station) and bytes of this call so far."""
        received, sent = await self.desk.evaluate(_BYTES)
        pictures = await self.desk.evaluate("bench.record.frames"), (await station.report())["frames"]
        return dict(zip(("fps_out", "fps_in", "kbps_out", "kbps_in"), (*pictures, received, sent), strict=True))

    async def _weigh(self, processes: list[psutil.Process], prefix: str, figures: Figures) -> None:
        meter = Meter(processes)
        await asyncio.sleep(WEIGH_S)
        figures[f"{prefix}cpu_percent"].append(meter.percent())
        figures[f"{prefix}pss_mb"].append(pss_mb(processes))


@asynccontextmanager
async def real_screen(station: RunningStation, size: tuple[int, int]) -> AsyncIterator[int]:
    """The resident's screen in a window of that size, drawing; its process id."""
    config = station.folder / "bench.toml"
    text = (station.folder / "station.toml").read_text(encoding="utf-8")
    lines = [f'size = "{size[0]}x{size[1]}"' if line.startswith("size = ") else line for line in text.splitlines()]
    config.write_text("\n".join(line for line in lines if not line.startswith("mirror")), encoding="utf-8")
    number = station.folder / "bench-display"
    number.unlink(missing_ok=True)
    command = [sys.executable, "-m", "device.cli", "--config", str(config), "screen"]
    async with running(*in_memory(number)), running(*shown_on(number, command)) as screen:
        await asyncio.sleep(SETTLE_S)
        yield screen.pid


async def ready_ms(station: RunningStation, times: int) -> list[float]:
    """From the start of `station call` to a view that says a press would call."""
    took = []
    command = [sys.executable, "-m", "device.cli", "--config", str(station.folder / "station.toml"), "call"]
    for _ in range(times):
        began = time.monotonic()
        async with running(*command), asyncio.timeout(PATIENCE_S):
            await _idle(station.runtime_dir / CALL_SOCKET)
            took.append((time.monotonic() - began) * 1000)
    return took


@asynccontextmanager
async def running(*command: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A process that runs inside the `with`."""
    process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.terminate()
        await process.wait()


async def _idle(socket: Path) -> None:
    while True:
        try:
            reader, writer = await asyncio.open_unix_connection(socket)
        except OSError:
            await asyncio.sleep(0.005)
            continue
        try:
            async for line in reader:
                view = from_line(line)
                if isinstance(view, CallView) and view.state == "idle":
                    return
        except MessageError:
            continue
        finally:
            writer.close()


async def measure(rounds: int) -> dict[str, Any]:
    """The whole run; what call.json holds."""
    result: dict[str, Any] = {"rounds": rounds, "ours": {}, "chromium": {}}
    ready: list[float] = []
    for size in SIZES:
        # A house for each size: stations that share memory with others of their kind would weigh too little.
        async with running_house() as house, async_playwright() as playwright, AsyncExitStack() as stack:
            peer = await house.add_station("chromium", call=False)
            await enrolled(peer)
            ready += await ready_ms(peer, rounds)
            heard = house.root / "speech.wav"
            write_wav(heard, speech())
            beside = await stack.enter_async_context(chromium_as(peer, playwright, size, microphone=heard))
            ours = await stack.enter_async_context(our_station(house, size))
            clinic = await stack.enter_async_context(desk_page.chromium(desk_page.GRANT))
            stations: dict[str, Station] = {"ours": ours, "chromium": beside}
            bench = Bench(size, stations, await _desk(house, clinic, size))
            for number in range(rounds + 1):
                await bench.round(number)
        for name, figures in bench.figures.items():
            result[name][f"{size[0]}x{size[1]}"] = figures.summary()
    result["ours"]["ready_ms"] = Figures({"ready_ms": ready}).summary()["ready_ms"]
    return result


async def _desk(house: House, browser: playwright_api.Browser, size: tuple[int, int]) -> Page:
    page = await clinic_page(house, browser, ("timecode.js",), _PEERS)
    await page.evaluate(_INIT.format(width=size[0], height=size[1]))
    await page.wait_for_function("window.bench")
    return page


def main(arguments: list[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description="Our station beside Chromium's.")
    parser.add_argument("--rounds", type=int, default=5, help="counted rounds (default %(default)s)")
    parser.add_argument("--out", type=Path, default=Path("build/bench/call.json"))
    options = parser.parse_args(arguments)
    result = asyncio.run(measure(options.rounds))
    written(result, table(result), options.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
