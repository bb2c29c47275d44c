"""A button that is a key of a USB keyboard or gamepad, read from its input device."""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import select
import struct
import threading
import time
from collections.abc import Callable

from device.hardware.press import Debounce

_log = logging.getLogger(__name__)
_EVENT = struct.Struct("llHHi")  # struct input_event: seconds, microseconds, type, code, value
_EV_KEY, _DOWN = 1, 1
_GRAB = 0x40044590  # EVIOCGRAB: else each press also types into the console or the kiosk
_RETRY_S = 1.0


def downs(data: bytes, key: int) -> int:
    """How often, in whole events read from an input device, that key (0: any) went down; repeats do not count."""
    whole = data[: len(data) // _EVENT.size * _EVENT.size]
    return sum(
        kind == _EV_KEY and value == _DOWN and key in (0, code) for _, _, kind, code, value in _EVENT.iter_unpack(whole)
    )


class EvdevButton:
    """The key `key` (0: any) of the input device at `path`, which may be unplugged and come again."""

    def __init__(
        self, path: str, key: int = 0, retry_s: float = _RETRY_S, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._path = path
        self._key = key
        self._retry_s = retry_s
        self._monotonic = monotonic
        self._debounce = Debounce()
        self._thread: threading.Thread | None = None
        self._told_missing = False

    def listen(self, on_press: Callable[[], None]) -> None:
        """Listen from a thread; a button that is not there is looked for until it comes."""
        if not self._path:
            _log.warning("[linux] button names no device: this station is only pressed from console and command line")
            return
        self._wake_read, self._wake_write = os.pipe()
        self._thread = threading.Thread(target=self._run, args=(on_press,), name="button", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening."""
        thread, self._thread = self._thread, None
        if thread is not None:
            os.write(self._wake_write, b"x")
            thread.join()
            os.close(self._wake_read)
            os.close(self._wake_write)

    def _run(self, on_press: Callable[[], None]) -> None:
        while True:
            try:
                handle = os.open(self._path, os.O_RDONLY | os.O_NONBLOCK)
            except OSError as error:
                self._tell_missing(error)
                if self._woken(self._retry_s):
                    return
                continue
            try:
                if self._read(handle, on_press):
                    return
            finally:
                os.close(handle)

    def _read(self, handle: int, on_press: Callable[[], None]) -> bool:
        """Read until told to stop (True) or until the device is gone (False)."""
        if self._told_missing:
            _log.info("the button is back at %s", self._path)
            self._told_missing = False
        try:
            fcntl.ioctl(handle, _GRAB, 1)
        except OSError as error:
            _log.warning("the button at %s cannot be had alone, so its key may also type: %s", self._path, error)
        poll = select.poll()
        poll.register(handle, select.POLLIN)
        poll.register(self._wake_read, select.POLLIN)
        while True:
            ready = {descriptor for descriptor, _ in poll.poll()}
            if self._wake_read in ready:
                return True
            data = b""
            with contextlib.suppress(OSError):  # unplugged: told below, as an end without data
                data = os.read(handle, _EVENT.size * 64)
            if not data:
                self._tell_missing("unplugged")
                return self._woken(self._retry_s)
            for _ in range(downs(data, self._key)):
                if self._debounce.press(self._monotonic()):
                    on_press()

    def _woken(self, seconds: float) -> bool:
        return bool(select.select([self._wake_read], [], [], seconds)[0])

    def _tell_missing(self, why: object) -> None:
        if not self._told_missing:
            _log.error("the button at %s does not answer: %s", self._path, why)
            self._told_missing = True
