"""`make bench-reconnect`: the broker goes away under 1000 stations and comes back. How are they spread as they return?

    .venv/bin/python -m tests.bench.reconnect --stations=200 --away=0,10

The broker is the region's own mosquitto, over mutual TLS; the connections are light ones (`light_station.py` tells what
of them is simulated), and each is kept as our link keeps its own: `messaging.link.mqtt`'s pauses, drawn by
`messaging.link.backoff`, and its time for a try. All stations stand on this machine and share its processor, which real
ones do not: `at_once_s` shows what that alone costs. Figures: `KEYS`.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import ssl
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from cryptography import x509

from messaging.clock import SystemClock
from messaging.link.backoff import FullJitter
from messaging.link.mqtt import CONNECT_S, PAUSE_S
from provisioning.authority.vault import open_authority
from region.broker import BrokerPaths, EmbeddedBroker, write_access, write_identity
from region.demo.plan import HOST
from tests.bench.config_stage import allow_many_files, certify
from tests.bench.light_station import Crowd, LightStation
from tests.bench.report import percentile, written
from tests.kits.servers.broker import free_port

PATIENCE_S = 300.0
LONGEST_BAR = 60
KEYS = {
    "at_once_s": "all connect at the same moment, as they would without a pause: seconds until the last one has",
    "away_s": "how long the broker was away",
    "half_s, most_s, all_s": "seconds from its return until 50 %, 95 % and all were connected again",
    "tries": "tries to connect from its going until the last one was back, refused ones with them",
    "busiest": "the most connections that were made in one second",
    "broker_cpu_s": "processor seconds of the broker until all were back",
    "spread": "how many came back in each second after its return",
}


@dataclass
class Comings:
    """When stations tried and when they came; monotonic seconds."""

    tries: list[float] = field(default_factory=list)
    comings: dict[str, float] = field(default_factory=dict)
    everybody: asyncio.Event = field(default_factory=asyncio.Event)
    wanted: int = 0

    def forget(self) -> None:
        """Begin anew."""
        self.tries, self.comings = [], {}
        self.everybody.clear()

    def came(self, name: str) -> None:
        """That station is connected."""
        self.comings[name] = time.monotonic()
        if len(self.comings) == self.wanted:
            self.everybody.set()


def figures(came: list[float], back: float, tries: int) -> dict[str, Any]:
    """How they came, in seconds after the broker was back."""
    after = sorted(max(0.0, at - back) for at in came)
    seconds = Counter(int(at) for at in after)
    spread = [seconds[number] for number in range(int(after[-1]) + 1)]
    shares = {"half_s": percentile(after, 50), "most_s": percentile(after, 95), "all_s": after[-1]}
    return {
        **{name: round(value, 2) for name, value in shares.items()},
        "tries": tries, "busiest": max(spread), "spread": spread,
    }  # fmt: skip


async def _keep(name: str, context: ssl.SSLContext, crowd: Crowd, comings: Comings) -> None:
    """One station's connection, kept as `messaging.link.mqtt` keeps its own."""
    backoff = FullJitter(*PAUSE_S)
    while True:
        station = LightStation(name, 1, crowd)
        comings.tries.append(time.monotonic())
        try:
            async with asyncio.timeout(CONNECT_S):
                await station.connect(context)
        except (OSError, TimeoutError):
            station.leave()
        else:
            backoff.reset()
            comings.came(name)
            await station.lost.wait()
        await asyncio.sleep(backoff.next())


async def _outage(broker: EmbeddedBroker, comings: Comings, away_s: float) -> dict[str, Any]:
    comings.forget()
    left = time.monotonic()
    await broker.stop()
    await asyncio.sleep(away_s)
    await broker.start()
    back = time.monotonic()
    assert broker.process is not None
    mosquitto = psutil.Process(broker.process.pid)
    async with asyncio.timeout(PATIENCE_S):
        await comings.everybody.wait()
    cpu_s = sum(mosquitto.cpu_times()[:2])
    found = figures(list(comings.comings.values()), back, len(comings.tries))
    return {"away_s": round(back - left, 1), **found, "broker_cpu_s": round(cpu_s, 2)}


async def measured(stations: int, away: list[float]) -> dict[str, Any]:
    """Every figure of `KEYS`, for each time that the broker was away."""
    allow_many_files()
    clock, names = SystemClock(), tuple(f"st-{number:08d}" for number in range(stations))
    with tempfile.TemporaryDirectory(prefix="reconnect-") as name:
        folder = Path(name)
        paths, port = BrokerPaths(folder / "broker"), free_port()
        authority = open_authority(folder / "ca", clock)
        write_identity(paths, authority.trust_bundle(), authority.issue_client("region"))
        write_access(paths.folder, (), authority.revocation_lists((), 1, int(clock.wall()) - 60))
        await asyncio.to_thread(certify, folder, folder / "crowd", names)
        broker = EmbeddedBroker(paths.folder, HOST, port, authority.issue_server("broker", [HOST]), clock)
        await broker.start()
        trust = folder / "crowd" / "roots.pem"
        roots = tuple(x509.load_pem_x509_certificates(trust.read_bytes()))
        crowd = Crowd(HOST, port, folder / "crowd", roots, trust, clock, lambda _name, _version: None)
        contexts = {name: crowd.context(name) for name in names}
        comings, began = Comings(wanted=stations), time.monotonic()
        keeping = [asyncio.create_task(_keep(name, contexts[name], crowd, comings)) for name in names]
        try:
            async with asyncio.timeout(PATIENCE_S):
                await comings.everybody.wait()
            at_once_s = round(time.monotonic() - began, 2)
            outages = [await _outage(broker, comings, away_s) for away_s in away]
        finally:
            for task in keeping:
                task.cancel()
            await asyncio.gather(*keeping, return_exceptions=True)
            await broker.stop()
    return {"at_once_s": at_once_s, "outages": outages}


def told(run: dict[str, Any]) -> str:
    """The spread of each outage, drawn."""
    lines = [f"{run['stations']} stations; all at once they connect in {run['at_once_s']} s on this machine"]
    for one in run["outages"]:
        lines += ["", f"away for {one['away_s']} s: half are back in {one['half_s']} s, 95 % in {one['most_s']} s, all "
                      f"in {one['all_s']} s; {one['tries']} tries, at most {one['busiest']} connections in a second, "
                      f"{one['broker_cpu_s']} s of the broker's processor"]  # fmt: skip
        for second, count in enumerate(one["spread"]):
            lines.append(f"{second:4} s {count:6}  {'#' * round(LONGEST_BAR * count / one['busiest'])}")
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description="The broker goes away under many stations, and they come back.")
    parser.add_argument("--stations", type=int, default=1000, help="how many (default %(default)s)")
    parser.add_argument(
        "--away", default="0,60", help="seconds that it is away, besides its start (default %(default)s)"
    )
    parser.add_argument("--out", type=Path, default=Path("build/bench/reconnect.json"))
    options = parser.parse_args(arguments)
    away = [float(seconds) for seconds in options.away.split(",")]
    run: dict[str, Any] = {
        "stations": options.stations, "cores": os.cpu_count(), "python": platform.python_version(), "keys": KEYS,
        "pause_s": PAUSE_S, **asyncio.run(measured(options.stations, away)),
    }  # fmt: skip
    written(run, told(run), options.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
