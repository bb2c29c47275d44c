"""`make bench-fleet-config`: a whole region's desired config changed at once, to 10,000 stations and back.

    .venv/bin/python -m tests.bench.config --stations=1000 --databases=sqlite

One change of the region's layer is made as IT makes it. It is timed until the broker has taken every station's new
document, until the last station has it, and until the registry has every station's word that it works by it. The
region is real, with its authority and mosquitto; the stations are light ones (`tests/bench/light_station.py` tells what
of them is simulated), all in one other process of the same machine. Figures: `KEYS`.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import platform
import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from sqlalchemy import func, select

from messaging.clock import SystemClock
from region.registry import schema
from region.stations.layout import LayoutService, Where
from tests.bench.config_stage import ConfigStage, CrowdProcess, config_stage, crowd
from tests.bench.report import written
from tests.bench.usage import pss_mb
from tests.kits.servers.postgres import postgres

DATABASES = ("sqlite", "postgresql")
PATIENCE_S = 1800.0
LOOK_S = 0.25
KEYS = {
    "first_publish_s": "start of the region until the broker had taken the first config of every station",
    "connect_s": "until every station had connected, 100 at a time, each with its own certificate",
    "came_s": "from the first connection until the registry had presence, birth and config of every station",
    "commit_s": "the change itself: layers laid together, validated, versions grown, committed",
    "publish_s": "from the change until every new document was signed, taken by the broker, and marked as published",
    "heard_s": "from the change until the last station had its new document",
    "reported_s": "from the change until the registry had every station's word that it works by the new version",
    "answer_ms": "the region's sign-in page meanwhile, milliseconds: median and the longest",
    "cpu_s": "processor seconds from the change until all was reported, by process",
    "idle_mb": "memory (PSS, MiB) with all stations connected, before the change, by process",
    "peak_mb": "the most memory (PSS, MiB) during the change, by process",
    "lost": "stations whose connection broke meanwhile",
}


@dataclass
class Watched:
    """What was seen of the region's processes from one moment on."""

    processes: dict[str, psutil.Process]
    web: int
    idle_mb: dict[str, float] = field(default_factory=dict)
    peak_mb: dict[str, float] = field(default_factory=dict)
    cpu_s: dict[str, float] = field(default_factory=dict)
    answers_ms: list[float] = field(default_factory=list)

    def begin(self) -> None:
        """From now on."""
        self.idle_mb = self.peak_mb = self._memory()
        self._spent = self._times()

    def look(self) -> None:
        """What it is like now."""
        now = self._memory()
        self.peak_mb = {name: max(self.peak_mb[name], now[name]) for name in now}
        self.cpu_s = {name: round(spent - self._spent[name], 1) for name, spent in self._times().items()}

    def answer(self) -> None:
        """Ask for a page, as somebody does who signs in meanwhile."""
        began = time.monotonic()
        with urllib.request.urlopen(f"http://127.0.0.1:{self.web}/sign-in", timeout=60) as page:
            page.read()
        self.answers_ms.append(round((time.monotonic() - began) * 1000, 1))

    def figures(self) -> dict[str, Any]:
        """As in `KEYS`."""
        answers = sorted(self.answers_ms)
        return {
            "answer_ms": {"median": answers[len(answers) // 2], "longest": answers[-1]},
            "cpu_s": self.cpu_s, "idle_mb": self.idle_mb, "peak_mb": self.peak_mb,
        }  # fmt: skip

    def _memory(self) -> dict[str, float]:
        return {name: round(pss_mb([process]), 1) for name, process in self.processes.items()}

    def _times(self) -> dict[str, float]:
        return {name: sum(process.cpu_times()[:2]) for name, process in self.processes.items()}


async def measured(stations: int, database: str | None) -> dict[str, Any]:
    """Every figure of `KEYS`, on that database (None: SQLite)."""
    found: dict[str, Any] = {}
    async with config_stage(stations, database) as stage:
        found["first_publish_s"] = await _until(lambda: _published(stage), stage)
        async with crowd(stage) as people:
            began = time.monotonic()
            found["connect_s"] = (await people.ask("come"))["seconds"]
            await _until(lambda: _said(stage, 1), stage)
            found["came_s"] = round(time.monotonic() - began, 2)
            print(found, flush=True)
            found |= await _changed(stage, people)
    return found


async def _changed(stage: ConfigStage, people: CrowdProcess) -> dict[str, Any]:
    layout = LayoutService(stage.registry, SystemClock())
    async with _watching(stage) as watched:
        began, at = time.monotonic(), time.time()
        await layout.say("bench", Where("region", "", ""), [(("volume",), 35)])
        figures = {"commit_s": round(time.monotonic() - began, 2)}
        publish_s = await _until(lambda: _published(stage), stage)
        figures["publish_s"] = round(figures["commit_s"] + publish_s, 2)
        await _until(lambda: _said(stage, 2), stage)
        figures["reported_s"] = round(time.monotonic() - began, 2)
    heard = await people.ask("heard 2")
    assert heard["heard"] == len(stage.names), heard
    return figures | {"heard_s": round(heard["last"] - at, 2)} | watched.figures() | {"lost": heard["lost"]}


@asynccontextmanager
async def _watching(stage: ConfigStage) -> AsyncIterator[Watched]:
    """Watch the region while the `with` lasts."""
    watched = Watched(stage.weighed(), stage.web)
    watched.begin()

    async def watch() -> None:
        while True:
            await asyncio.to_thread(watched.answer)
            watched.look()
            await asyncio.sleep(0.5)

    watching = asyncio.create_task(watch())
    try:
        yield watched
    finally:
        watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watching
        watched.look()


async def _published(stage: ConfigStage) -> bool:
    async with stage.registry.read() as t:
        return not await t.stations.unpublished(1)


async def _said(stage: ConfigStage, version: int) -> bool:
    """Whether the registry has every station's word that it works by that version."""
    report = schema.station_report.c
    telling = select(func.count()).where(report.branch == "reported", report.data["version"].as_integer() == version)
    async with stage.registry.read() as t:
        return (await t._connection.execute(telling)).scalar() == len(stage.names)


async def _until(what: Callable[[], Awaitable[bool]], stage: ConfigStage) -> float:
    """Wait until that is so; seconds."""
    began = time.monotonic()
    while not await what():
        assert time.monotonic() - began < PATIENCE_S, stage.log()
        assert "region" not in stage.processes.restarts, stage.log()
        await asyncio.sleep(LOOK_S)
    return round(time.monotonic() - began, 2)


def _measure(stations: int, database: str) -> dict[str, Any]:
    if database == "sqlite":
        return asyncio.run(measured(stations, None))
    with postgres(durable=True) as server:
        return asyncio.run(measured(stations, server.database()))


def table(run: dict[str, Any]) -> str:
    """The figures side by side."""
    lines = [f"{run['stations']} stations" + "".join(f"{name:>24}" for name in run["databases"])]
    for key, told in KEYS.items():
        cells = (_cell(figures[key]) for figures in run["databases"].values())
        lines.append(f"{key:<17}" + "".join(f"{cell:>24}" for cell in cells) + f"   {told}")
    return "\n".join(lines)


def _cell(figure: Any) -> str:
    return " / ".join(f"{value:g}" for value in figure.values()) if isinstance(figure, dict) else f"{figure:g}"


def main(arguments: list[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description="The whole region's desired config, changed at once.")
    parser.add_argument("--stations", type=int, default=10_000, help="how many (default %(default)s)")
    parser.add_argument("--databases", default=",".join(DATABASES), help="on which (default %(default)s)")
    parser.add_argument("--out", type=Path, default=Path("build/bench/config.json"))
    options = parser.parse_args(arguments)
    run: dict[str, Any] = {
        "stations": options.stations, "cores": os.cpu_count(), "python": platform.python_version(), "keys": KEYS,
        "databases": {name: _measure(options.stations, name) for name in options.databases.split(",")},
    }  # fmt: skip
    written(run, table(run), options.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
