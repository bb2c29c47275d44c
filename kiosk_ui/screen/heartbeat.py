"""Whether the screen really draws. Once a second a frame is asked for; only a frame that was drawn counts as life."""

from __future__ import annotations

import logging
from collections.abc import Callable

_log = logging.getLogger(__name__)


class Heartbeat:
    """Counts the frames drawn; `beat` tells others only of those. Pure: asking and telling are given."""

    def __init__(self, ask: Callable[[], None], tell: Callable[[int], None]) -> None:
        self._ask = ask
        self._tell = tell
        self._told = 0
        self.frames = 0

    def drawn(self) -> None:
        """A frame has reached the display."""
        self.frames += 1

    def beat(self) -> None:
        """Once a second: say that it draws, if it has since the last time, and ask for the next frame."""
        if self.frames > self._told:
            self._told = self.frames
            self._tell(self.frames)
        elif self.frames:
            _log.warning("nothing has been drawn for a second")
        self._ask()
