"""A station's processes under a clock that shows what a test wants: libfaketime, and the hook that sets it.

clock = WrongClock(folder, -years(56))
await house.add_station(call=False, around=clock.around)
async with clock.hook(station.runtime_dir): ...
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from pathlib import Path

from firmware_hooks import set_clock
from firmware_hooks.machine import Machine

_LOOK_S = 0.2


class WrongClock:
    """`off` seconds from the true time, in a file that libfaketime reads anew each time."""

    def __init__(self, folder: Path, off: float) -> None:
        self._file = folder / "faketime"
        self.times_set = 0
        self.put(off)
        (library,) = Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")
        self.around = {
            "LD_PRELOAD": str(library), "FAKETIME_TIMESTAMP_FILE": str(self._file), "FAKETIME_NO_CACHE": "1",
            "DONT_FAKE_MONOTONIC": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1", "NO_FAKE_STAT": "1",
        }  # fmt: skip

    def put(self, off: float) -> None:
        """Another time."""
        self.off = off
        part = self._file.with_suffix(".part")
        part.write_text(f"{off:+.0f}\n")
        part.replace(self._file)

    @contextlib.asynccontextmanager
    async def hook(self, runtime_dir: Path) -> AsyncIterator[None]:
        """What laegeknap-clock.path starts, with this clock in place of the machine's."""
        hook = asyncio.create_task(self._serve(_Machine(runtime_dir, self)))
        try:
            yield
        finally:
            hook.cancel()
            await asyncio.wait([hook])
            if not hook.cancelled():
                hook.result()

    async def _serve(self, machine: _Machine) -> None:
        while True:
            set_clock.check(machine)
            await asyncio.sleep(_LOOK_S)


class _Machine(Machine):
    def __init__(self, runtime_dir: Path, clock: WrongClock) -> None:
        super().__init__(runtime_dir, runtime_dir, runtime_dir / "code.toml")
        object.__setattr__(self, "_clock", clock)

    def set_wall(self, wall: float) -> None:
        clock: WrongClock = self._clock  # type: ignore[attr-defined]
        clock.times_set += 1
        clock.put(wall - time.time())
