"""What the simulated camera, microphone and speaker share: a plug, a state, a thread while open."""

from __future__ import annotations

import threading
from collections.abc import Callable

from device.hardware.errors import DeviceFailed, DeviceMissing, HardwareError
from device.hardware.pace import PacedThread
from device.hardware.ports import OnFault
from messaging.call import DeviceState


class SimDevice:
    """A device that can be unplugged and broken, in use or not."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._state: DeviceState = "ok"
        self._thread: PacedThread | None = None
        self._on_fault: OnFault | None = None

    def presence(self) -> DeviceState:
        """As the knobs have it."""
        return self._state

    @property
    def is_open(self) -> bool:
        """Whether it is in use."""
        return self._thread is not None

    @property
    def _missed(self) -> int:
        """Ticks that were left out since it was opened, because the machine came too late."""
        return self._thread.skipped if self._thread is not None else 0

    def unplug(self) -> None:
        """Pull its plug; in use, it says so."""
        self._state = "missing"
        self._fail("unplugged")

    def stop_working(self) -> None:
        """It is there and cannot be opened; in use, it says so."""
        self._state = "fault"
        self._fail("failed")

    def plug(self) -> None:
        """Plug in one that works."""
        self._state = "ok"

    def close(self) -> None:
        """Stop."""
        with self._lock:
            thread, self._thread, self._on_fault = self._thread, None, None
        if thread is not None:
            thread.stop()

    def _check(self) -> None:
        if self._thread is not None:
            raise DeviceFailed(f"the simulated {self._name} is open already")
        if self._state == "missing":
            raise DeviceMissing(f"the simulated {self._name} is unplugged")
        if self._state == "fault":
            raise DeviceFailed(f"the simulated {self._name} is broken")

    def _start(self, period: float, work: Callable[[], None], on_fault: OnFault, most_behind: int = 0) -> None:
        def guarded() -> None:
            try:
                work()
            except HardwareError:
                self._fail("failed")

        self._on_fault = on_fault
        self._thread = PacedThread(f"sim-{self._name}", period, guarded, most_behind)
        self._thread.start()

    def _fail(self, word: str) -> None:
        with self._lock:
            thread, on_fault, self._on_fault = self._thread, self._on_fault, None
        if thread is not None and on_fault is not None:
            thread.stop()
            on_fault(word)
