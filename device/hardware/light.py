"""What the light's patterns look like, and the thread that plays them on a real light.

`calling` and `live` both say that camera and microphone are on (`messaging.local.ON_AIR`): they are never dark, and the
only ones that are always bright. Every other pattern is dim or goes dark. A light is never brought to more than three
flashes in a second, which is where photosensitive seizures begin.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from device.hardware.errors import HardwareError
from messaging.local import LightPattern

_log = logging.getLogger(__name__)
_GLIDE_STEP = 0.04  # seconds between two levels of a glide: smooth to the eye


@dataclass(frozen=True)
class Step:
    """From one level to another (0 to 1) in so many seconds; equal levels are a steady light."""

    start: float
    end: float
    seconds: float = math.inf


PATTERNS: dict[LightPattern, tuple[Step, ...]] = {
    "off": (Step(0, 0),),
    "ready": (Step(0.15, 0.15),),
    "calling": (Step(0.6, 1, 1.0), Step(1, 0.6, 1.0)),
    "ringing": (Step(1, 1, 0.5), Step(0, 0, 0.5)),
    "live": (Step(1, 1),),
    "identify": (Step(1, 1, 0.2), Step(0, 0, 0.2), Step(1, 1, 0.2), Step(0, 0, 0.2), Step(1, 1, 0.2), Step(0, 0, 0.6)),
    "fault": (Step(1, 1, 0.15), Step(0, 0, 0.25), Step(1, 1, 0.15), Step(0, 0, 1.45)),
}


def level(pattern: LightPattern, elapsed: float) -> tuple[float, float]:
    """The level (0 to 1) of a pattern `elapsed` seconds after it began, and how many seconds that level may stand."""
    steps = PATTERNS[pattern]
    if math.isinf(steps[-1].seconds):
        return steps[-1].end, math.inf
    within = elapsed % sum(step.seconds for step in steps)
    for step in steps:
        if within < step.seconds:
            break
        within -= step.seconds
    left = max(step.seconds - within, 0.001)
    if step.start == step.end:
        return step.end, left
    now = step.start + (step.end - step.start) * min(within / step.seconds, 1.0)
    return now, min(left, _GLIDE_STEP)


def plain(value: float) -> bool:
    """A level on a light that cannot be dimmed: calling and live are steadily on there, and nothing else is."""
    return value >= 0.5


class LightPlayer:
    """Plays patterns on a light, on a thread the first `show` starts.

    `set_level` gets the pattern's level and how much of it is wanted (both 0 to 1), and may raise HardwareError.
    A light that fails is reported once in the log and tried again at the next step: a call is not ended for a lamp.
    """

    def __init__(
        self, set_level: Callable[[float, float], None], monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._set_level = set_level
        self._monotonic = monotonic
        self._pattern: LightPattern = "off"
        self._share = 1.0
        self._began = monotonic()
        self._changed = threading.Condition()
        self._closing = False
        self._failed = False
        self._thread: threading.Thread | None = None

    def show(self, pattern: LightPattern, percent: int = 100) -> None:
        """Play this from now on."""
        with self._changed:
            if pattern != self._pattern:
                self._pattern, self._began = pattern, self._monotonic()
            self._share = percent / 100
            self._changed.notify()
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="light", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Light off, thread ended."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()
            self._apply(0.0)

    def _run(self) -> None:
        with self._changed:
            while not self._closing:
                value, hold = level(self._pattern, self._monotonic() - self._began)
                self._apply(value)
                self._changed.wait(None if math.isinf(hold) else hold)

    def _apply(self, value: float) -> None:
        try:
            self._set_level(value, self._share)
            self._failed = False
        except HardwareError as error:
            if not self._failed:
                _log.error("the light does not work: %s", error)
            self._failed = True
