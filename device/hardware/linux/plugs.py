"""Something was plugged in or pulled out: the kernel's own word for it, at once."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Protocol

from device.hardware.pace import Worker
from device.runtime.netlink import KOBJECT_UEVENT, Netlink

_log = logging.getLogger(__name__)
_OURS = frozenset({"usb", "video4linux", "sound"})
_LOOK_S = 0.25  # how soon a close is noticed


class Announcements(Protocol):
    """What we use of `Netlink`."""

    def hear(self) -> bytes | None:
        """As Netlink says."""

    def wait(self, seconds: float) -> bool:
        """As Netlink says."""

    def close(self) -> None:
        """As Netlink says."""


def concerns_us(uevent: bytes) -> bool:
    """Whether a uevent is about a device of a call coming or going; one that was lost (b"") may have been.

    A uevent is `ACTION@DEVPATH`, then NAME=value, all ended by a zero byte.
    """
    if not uevent:
        return True
    fields = dict(word.split(b"=", 1) for word in uevent.split(b"\0")[1:] if b"=" in word)
    action, subsystem = (fields.get(name, b"").decode("ascii", "replace") for name in (b"ACTION", b"SUBSYSTEM"))
    return action in ("add", "remove", "bind", "unbind") and subsystem in _OURS


class KernelPlugs:
    """Listens while it is told to. Without netlink nothing is told: devices are looked for from time to time anyway."""

    def __init__(self, connect: Callable[[], Announcements] = lambda: Netlink(KOBJECT_UEVENT, 1)) -> None:
        self._connect = connect
        self._worker: Worker | None = None

    def listen(self, on_change: Callable[[], None]) -> None:
        """Call `on_change`, from a thread, when a device comes or goes."""
        if self._worker is not None:
            return
        try:
            announcements = self._connect()
        except OSError as error:
            _log.warning("the kernel does not tell of devices that come and go: %s", error)
            return

        def work(stopping: threading.Event) -> None:
            try:
                while not stopping.is_set():
                    if announcements.wait(_LOOK_S):
                        told = announcements.hear()
                        if told is not None and concerns_us(told) and not stopping.is_set():
                            on_change()
            finally:
                announcements.close()

        self._worker = Worker("plugs", work)
        self._worker.start()

    def close(self) -> None:
        """Stop; nothing is told after this returns."""
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.stop()
