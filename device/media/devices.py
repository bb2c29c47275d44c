"""Opening the station's devices as far as they can be, and again when they come back."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine, Iterable, Iterator
from dataclasses import replace
from typing import Literal, Protocol

from device.hardware.errors import HardwareError
from device.hardware.ports import Plugs
from device.media.attempts import Attempts
from messaging.call import Devices, DeviceState
from messaging.clock import Clock

_log = logging.getLogger(__name__)

Part = Literal["camera", "microphone", "speaker"]
PARTS: tuple[Part, ...] = ("camera", "microphone", "speaker")
HEAL_S = 0.5  # between two looks at what is missing or at fault
FROZEN_S = 2.0  # an open camera that has given no picture for so long is opened anew


class Device(Protocol):
    """What all of the hardware's ports have in common."""

    def presence(self) -> DeviceState:
        """Whether it is there, without opening it."""

    def close(self) -> None:
        """Stop."""


class Opening(Protocol):
    """How a part is opened: blocks, may raise HardwareError, and tells faults from any thread."""

    def __call__(self, on_fault: Callable[[str], None]) -> None:
        """Open it."""


class DeviceSet:
    """Keeps the wanted parts open. `on_change` is called on the loop when one came or went while wanted.

    `last_frame` is when (by `clock`) the camera gave its last picture. `plugs` hurries the healing, where there is one.
    """

    def __init__(
        self,
        devices: dict[Part, Device],
        openings: dict[Part, Opening],
        last_frame: Callable[[], float],
        clock: Clock,
        on_change: Callable[[Devices], None],
        plugs: Plugs | None = None,
    ) -> None:
        self._parts = devices
        self._openings = openings
        self._last_frame = last_frame
        self._plugs = plugs
        self._clock = clock
        self._on_change = on_change
        self._wanted: set[Part] = set()
        self._opened: dict[Part, float] = {}  # since when
        self._frozen = False  # the camera opens and gives nothing: not well until it gives pictures
        self._paused = 0  # a still is being taken: no pictures, and no fault
        self._attempts = dict.fromkeys(PARTS, Attempts())
        self._lock = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self.state = Devices()

    @property
    def broken(self) -> frozenset[Part]:
        """The parts that have failed three times in a row and have not worked for a while since."""
        return frozenset(part for part in PARTS if self._attempts[part].broken)

    async def want(self, *parts: Part) -> None:
        """Open these, each as far as it can be, and keep trying those that cannot until they are released."""
        self._wanted.update(parts)
        if not self._tasks:
            self._spawn(self._heal())
            if self._plugs is not None:
                loop = asyncio.get_running_loop()
                await asyncio.to_thread(self._plugs.listen, lambda: _tell_loop(loop, self.hurry))
        async with self._lock:
            await self._open(parts)

    async def exchange(self, part: Part, change: Callable[[], None]) -> None:
        """Shut this part, `change` what is opened for it, and open it again; nothing if it is not open."""
        async with self._lock:
            if part not in self._opened:
                return
            before = self.state, self.broken
            await self._shut(part)
            change()
            await self._open((part,))
            self._tell(before)

    async def release(self, *parts: Part) -> None:
        """Shut these. When it returns no callback of theirs comes any more."""
        self._wanted.difference_update(parts)
        if not self._wanted:
            await self._stop_tasks()
            if self._plugs is not None:
                await asyncio.to_thread(self._plugs.close)
        async with self._lock:
            await asyncio.gather(*(self._shut(part) for part in parts))

    async def refresh(self) -> None:
        """Ask the shut parts whether they are there, and remember it."""
        async with self._lock:
            shut = [part for part in PARTS if part not in self._opened]
            states = await asyncio.gather(*(asyncio.to_thread(self._parts[part].presence) for part in shut))
            for part, state in zip(shut, states, strict=True):
                self._note(part, state)

    def fault(self, part: Part, why: str) -> None:
        """An open part has failed; on the loop."""
        if part in self._opened:
            _log.warning("the %s failed: %s", part, why)
            self._spawn(self._drop(part, self._opened[part]))

    def hurry(self) -> None:
        """Something was plugged in: what has failed is tried at the next look."""
        for part in PARTS:
            self._attempts[part] = self._attempts[part].hurried()

    @contextlib.contextmanager
    def camera_pauses(self) -> Iterator[None]:
        """While this is entered, the camera may give no pictures without being thought frozen: a still is taken."""
        self._paused += 1
        try:
            yield
        finally:
            self._paused -= 1
            if "camera" in self._opened:
                self._opened["camera"] = self._clock.monotonic()

    async def _heal(self) -> None:
        while True:
            await self._clock.sleep(HEAL_S)
            async with self._lock:
                before = self.state, self.broken
                await self._judge_camera()
                self._judge_sound()
                now = self._clock.monotonic()
                await self._open([part for part in self._wanted if self._attempts[part].may_try(now)])
                self._tell(before)

    async def _judge_camera(self) -> None:
        since = self._opened.get("camera")
        if since is None or self._paused:
            return
        now, last = self._clock.monotonic(), self._last_frame()
        if last >= since and now - last <= FROZEN_S:
            self._frozen = False
            self._attempts["camera"] = self._attempts["camera"].works(now)
            self._note("camera", "ok")
        elif now - max(since, last) > FROZEN_S:
            _log.warning("the camera is open and gives no pictures; it is opened anew")
            self._frozen = True
            await self._shut("camera")
            self._failed("camera")
            self._note("camera", "fault")

    def _judge_sound(self) -> None:
        now = self._clock.monotonic()
        for part in self._opened.keys() - {"camera"}:
            self._attempts[part] = self._attempts[part].works(now)

    def _failed(self, part: Part) -> None:
        before = self._attempts[part]
        self._attempts[part] = before.failed(self._clock.monotonic())
        if self._attempts[part].broken and not before.broken:
            _log.error("the %s has failed %d times in a row", part, self._attempts[part].failures)

    async def _drop(self, part: Part, since: float) -> None:
        async with self._lock:
            if self._opened.get(part) != since:
                return  # it has been shut, or opened anew, in the meantime
            before = self.state, self.broken
            await self._shut(part)
            await self._note_why_not(part)
            self._tell(before)

    async def _open(self, parts: Iterable[Part]) -> None:
        await asyncio.gather(*(self._open_one(part) for part in parts if part not in self._opened))

    async def _open_one(self, part: Part) -> None:
        loop = asyncio.get_running_loop()

        def on_fault(why: str) -> None:
            _tell_loop(loop, lambda: self.fault(part, why))

        try:
            await asyncio.to_thread(self._openings[part], on_fault)
        except HardwareError as error:
            was = getattr(self.state, part)
            await self._note_why_not(part)
            if was != getattr(self.state, part):
                _log.warning("the %s does not open: %s", part, error)
            return
        self._opened[part] = self._clock.monotonic()
        if part != "camera" or not self._frozen:
            self._note(part, "ok")

    async def _shut(self, part: Part) -> None:
        if self._opened.pop(part, None) is not None:
            await asyncio.to_thread(self._parts[part].close)

    async def _note_why_not(self, part: Part) -> None:
        if await asyncio.to_thread(self._parts[part].presence) == "missing":
            self._attempts[part] = Attempts()  # another one, or the same plugged in anew, begins afresh
            self._note(part, "missing")
        else:
            self._failed(part)
            self._note(part, "fault")

    def _note(self, part: Part, state: DeviceState) -> None:
        if part == "camera":
            self.state = replace(self.state, camera=state)
        elif part == "microphone":
            self.state = replace(self.state, microphone=state)
        else:
            self.state = replace(self.state, speaker=state)

    def _tell(self, before: tuple[Devices, frozenset[Part]]) -> None:
        if (self.state, self.broken) != before:
            self._on_change(self.state)

    def _spawn(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _stop_tasks(self) -> None:
        async with self._lock:  # never in the middle of opening or shutting
            tasks = tuple(self._tasks)
            for task in tasks:
                task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _tell_loop(loop: asyncio.AbstractEventLoop, tell: Callable[[], None]) -> None:
    with contextlib.suppress(RuntimeError):  # the loop has closed: nobody is left to be told
        loop.call_soon_threadsafe(tell)
