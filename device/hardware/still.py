"""A still is asked for by one thread and taken by the camera's own, between two frames."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotInTime

from device.hardware.errors import DeviceFailed, HardwareError
from device.hardware.ports import Frame


class StillDesk:
    """Where a still is asked for. The thread of the camera looks in between frames, and shuts it at its end."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[Future[Frame]] = []
        self._open = True

    def ask(self, timeout_s: float) -> Frame:
        """The picture, when the camera's thread has taken it; HardwareError if it cannot, or not in time."""
        wanted: Future[Frame] = Future()
        with self._lock:
            if not self._open:
                raise DeviceFailed("the camera is not open")
            self._waiting.append(wanted)
        try:
            return wanted.result(timeout_s)
        except NotInTime:
            with self._lock:
                if wanted in self._waiting:
                    self._waiting.remove(wanted)
            raise DeviceFailed(f"the camera has given no still within {timeout_s:g} s") from None

    def serve(self, take: Callable[[], Frame]) -> bool:
        """Take one picture for all who wait; False if nobody does. A HardwareError of `take` is theirs, not raised."""
        with self._lock:
            waiting, self._waiting = self._waiting, []
        if not waiting:
            return False
        try:
            picture = take()
        except HardwareError as error:
            for wanted in waiting:
                wanted.set_exception(error)
        else:
            for wanted in waiting:
                wanted.set_result(picture)
        return True

    def shut(self) -> None:
        """Nobody serves any more: who waits is told, and who comes later as well."""
        with self._lock:
            self._open = False
            waiting, self._waiting = self._waiting, []
        for wanted in waiting:
            wanted.set_exception(DeviceFailed("the camera was closed before it gave a still"))
