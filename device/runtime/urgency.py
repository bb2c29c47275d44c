"""Threads that go before the others when the machine has no time: sound is the last to suffer, pictures the first."""

from __future__ import annotations

import logging
import os
import threading

_log = logging.getLogger(__name__)

SOUND = -15  # niceness; a sound card waits for nobody, and what it asks for takes a fortieth of its time
PICTURES = 5  # more than the process's own: a picture that is late is left out, and hardly anybody notices


class Urgency:
    """Each thread that comes by `here` goes before all others from then on. Each costs one look afterwards.

    It takes a right (RLIMIT_NICE, `LimitNICE=` of the unit); where that is missing, the log says so once.
    """

    def __init__(self) -> None:
        self._thread: int | None = None
        self._refused = False

    def here(self) -> None:
        """Called by the thread that has work which cannot wait."""
        thread = threading.get_native_id()  # the other kind is used again for the next thread
        if thread == self._thread or self._refused:
            return
        self._thread = thread
        try:
            os.setpriority(os.PRIO_PROCESS, thread, SOUND)
        except PermissionError:
            self._refused = True
            _log.info("the thread %s may not go before others: sound may stutter", threading.current_thread().name)


def step_back() -> None:
    """The calling thread, and those it begins, let others go first."""
    own = threading.get_native_id()
    os.setpriority(os.PRIO_PROCESS, own, os.getpriority(os.PRIO_PROCESS, own) + PICTURES)
