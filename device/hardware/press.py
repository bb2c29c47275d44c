"""When an edge of the button is a press, and when only the bounce of the one before."""

from __future__ import annotations

QUIET_S = 0.05  # contacts bounce for a few milliseconds; no finger presses twice in this


class Debounce:
    """Takes the times of downward edges and tells the presses among them."""

    def __init__(self, quiet_s: float = QUIET_S) -> None:
        self._quiet_s = quiet_s
        self._last: float | None = None

    def press(self, now: float) -> bool:
        """Whether an edge at `now` (monotonic seconds) is a press: nothing happened for a while before it."""
        quiet = self._last is None or now - self._last >= self._quiet_s
        self._last = now
        return quiet
