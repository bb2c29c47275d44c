"""The crowd of light stations as a process: commands come as lines on standard input, answers go as JSON lines.

    come                  connect all; answers {"came": how many, "seconds": how long}
    heard VERSION         answers {"heard": how many work by that version or a later one, "first", "last": Unix seconds
                          when the first and the last of them heard it, "lost": how many have lost their connection}

It ends when its input does.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import defaultdict
from pathlib import Path

from cryptography import x509

from messaging.clock import SystemClock
from tests.bench.light_station import KEEPALIVE_S, Crowd, LightStation

_AT_ONCE = 100  # stations that connect side by side


class Hall:
    """The crowd, and when each version reached how many."""

    def __init__(self, folder: Path, host: str, port: int) -> None:
        self._times: dict[int, list[float]] = defaultdict(list)
        trust = folder / "roots.pem"
        roots = tuple(x509.load_pem_x509_certificates(trust.read_bytes()))
        self._crowd = crowd = Crowd(host, port, folder, roots, trust, SystemClock(), self._heard)
        names = (folder / "names").read_text().split()
        self._stations = [LightStation(name, number, crowd) for number, name in enumerate(names)]
        self._pinging: asyncio.Task[None] | None = None

    async def come(self) -> dict[str, float]:
        """Connect all of them."""
        began, room = time.monotonic(), asyncio.Semaphore(_AT_ONCE)

        async def one(station: LightStation) -> None:
            async with room:
                await station.connect(self._crowd.context(station.name))

        self._pinging = asyncio.create_task(self._ping())
        await asyncio.gather(*map(one, self._stations))
        return {"came": len(self._stations), "seconds": round(time.monotonic() - began, 2)}

    def heard(self, version: int) -> dict[str, float | None]:
        """Whom that version has reached."""
        times = self._times[version]
        lost = sum(station.lost.is_set() for station in self._stations)
        return {"heard": len(times), "first": min(times, default=None), "last": max(times, default=None), "lost": lost}

    def leave(self) -> None:
        """Let go of all connections."""
        if self._pinging is not None:
            self._pinging.cancel()
        for station in self._stations:
            station.leave()

    def _heard(self, _station: str, version: int) -> None:
        self._times[version].append(time.time())

    async def _ping(self) -> None:
        """Each in its turn, so that all have said something within the keepalive."""
        while True:
            for number, station in enumerate(self._stations):
                station.ping()
                if number % 100 == 0:
                    await asyncio.sleep(KEEPALIVE_S * 0.3 * 100 / len(self._stations))


async def serve(folder: Path, host: str, port: int) -> None:
    """Answer commands until there are no more."""
    loop, reader = asyncio.get_running_loop(), asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    hall = Hall(folder, host, port)
    async for line in reader:
        word, *more = line.decode().split()
        answer = await hall.come() if word == "come" else hall.heard(int(more[0]))
        print(json.dumps(answer), flush=True)
    hall.leave()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
