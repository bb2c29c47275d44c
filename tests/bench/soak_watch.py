"""What is looked at while a call goes on: its processes, and both ends' pictures and sound."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

import psutil
from playwright.async_api import CDPSession

from device.hardware.sim.scene import Scene
from tests.bench.line_ends import OurEnd, PageEnd
from tests.bench.line_figures import Received, Span, fresh, painter, picture_figures
from tests.bench.line_scene import TALK_S, talk
from tests.bench.line_sound import place
from tests.bench.soak_figures import DIRECTIONS, loop_apart
from tests.bench.stations import Ours
from tests.bench.usage import family, memory_mb
from tests.kits.house import House

KEEP_S = 5.0
_MIB = 2**20


def weigh(processes: Iterable[psutil.Process]) -> dict[str, float]:
    """What they hold together: memory in MiB (`own_mb`: allocated, `pss_mb`, `rss_mb`), threads, open files."""
    together = list(processes)
    memory = memory_mb(together)
    held = {
        "own_mb": memory["Anonymous"] + memory["Swap"], "pss_mb": memory["Pss"], "rss_mb": memory["Rss"],
        "threads": sum(process.num_threads() for process in together),
        "fds": sum(process.num_fds() for process in together),
    }  # fmt: skip
    return {name: round(value, 3) for name, value in held.items()}


def weighed(house: House, station: Ours) -> dict[str, dict[str, float]]:
    """`weigh` of each part of the product: the region's with its broker; without one that has just died."""
    pids = house.processes.pids
    names = {"call": f"{station.station.id}-call", "agent": f"{station.station.id}-agent"}
    names |= {"screen": f"{station.station.id}-screen", "region": "region"}
    held = {}
    for part, name in names.items():
        if name in pids:
            try:
                held[part] = weigh(family(pids[name]))
            except (psutil.Error, OSError):
                continue
    return held


@dataclass
class Pauses:
    """Pauses of a picture as its watcher tells them: the same one may be told again, and longer by then."""

    _ends: dict[float, float] = field(default_factory=dict)

    def add(self, told_ms: Sequence[Sequence[float]], began: float) -> None:
        """[from, to] in Unix ms; `began` is the run's begin in Unix seconds."""
        for first, last in told_ms:
            self._ends[first / 1000 - began] = last / 1000 - began

    def all(self) -> list[tuple[float, float]]:
        """[from, to] in seconds of the run."""
        return [(round(first, 3), round(last, 3)) for first, last in sorted(self._ends.items())]


@dataclass
class Ends:
    """The clinician's page and the station's screen and speaker, of a call that goes on.

    `spoke`: when the clinician's speech began, in Unix seconds. When the station's microphone began its file is not
    known: the first probe stands for it, so that `out` has the skew against that of the first probe.
    """

    desk: PageEnd
    station: OurEnd
    scene: Scene
    clock_ppm: int
    began: float
    spoke: float
    devtools: CDPSession
    _begun: float | None = None  # when the microphone's file would have begun, had nothing been late in the first probe
    _told: dict[str, dict[str, float]] = field(default_factory=dict)

    async def probe(self) -> dict[str, Any]:
        """Five seconds of both directions: line_figures' figures of pictures, and

        `sound_ms`: how late the sound is; `skew_ms`: how much later than the picture. None: it could not be found.
        """
        await asyncio.gather(self.desk.keep(), self.station.keep())
        began = time.time()
        await asyncio.sleep(KEEP_S)
        span = Span(began, time.time())
        received = {"out": await self.desk.received(), "in": await self.station.received()}
        await self.desk.forget()
        figures = {name: await asyncio.to_thread(self._figures, name, received[name], span) for name in DIRECTIONS}
        return {"at": round(began - self.began, 1), **figures}

    async def page(self) -> dict[str, Any]:
        """Of the clinician's page: what its receivers did since the last time, and what it holds."""
        told = await self.desk.told()
        before, self._told = self._told or told, told
        sound = {name: value - before["audio"].get(name, 0) for name, value in told["audio"].items()}
        video = {name: value - before["video"].get(name, 0) for name, value in told["video"].items()}
        played = sound.get("jitterBufferEmittedCount", 0)
        delay = 1000 * sound["jitterBufferDelay"] / played if played > 0 else None
        await self.devtools.send("HeapProfiler.collectGarbage")
        metrics = await self.devtools.send("Performance.getMetrics")
        held = {one["name"]: one["value"] for one in metrics["metrics"]}
        return {
            "playout_ms": None if delay is None else round(delay, 1),
            "concealed_samples": sound.get("concealedSamples", 0), "freezes": video.get("freezeCount", 0),
            "heap_mb": round(held["JSHeapUsedSize"] / _MIB, 3), "nodes": held["Nodes"],
            "listeners": held["JSEventListeners"],
        }  # fmt: skip

    def _figures(self, name: str, received: Received, span: Span) -> dict[str, Any]:
        pictures = picture_figures(received, span, painter(self.scene))
        ages = [one.at - one.taken for one in fresh(received.pictures, span)]
        late = self._sound_late(name, received, span)
        skew = None if late is None or not ages else late - median(ages)
        if name == "out" and skew is not None and self._begun is None:
            self._begun, skew = skew, 0.0
        elif name == "out" and skew is not None and self._begun is not None:
            skew = loop_apart(skew - self._begun, TALK_S)
        return {
            **pictures,
            "sound_ms": None if late is None else round(late * 1000, 1),
            "skew_ms": None if skew is None else round(skew * 1000, 1),
        }

    def _sound_late(self, name: str, received: Received, span: Span) -> float | None:
        """How late it is heard, in seconds; of `out` give or take a constant."""
        heard = place(talk(), received.sound, span)
        if heard is None:
            return None
        if name == "in":
            return loop_apart(span.begin - self.spoke - heard, TALK_S)
        said = (span.begin - self.began) * (1 + self.clock_ppm / 1e6)
        return loop_apart(said - heard, TALK_S)
