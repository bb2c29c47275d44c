"""A button pressed by code, and a light that remembers."""

from __future__ import annotations

from collections.abc import Callable

from messaging.local import LightPattern


class SimButton:
    """Pressed by `press()`."""

    def __init__(self) -> None:
        self._on_press: Callable[[], None] | None = None
        self.presses = 0

    def listen(self, on_press: Callable[[], None]) -> None:
        """Call `on_press` once a press."""
        self._on_press = on_press

    def press(self) -> None:
        """A hand presses. With nobody listening it is counted, and nothing else."""
        self.presses += 1
        if self._on_press is not None:
            self._on_press()

    def close(self) -> None:
        """Nobody listens any more."""
        self._on_press = None


class SimLight:
    """Shows nothing; `history` holds what it was told, the newest last (the last 100), `percent` how brightly."""

    def __init__(self) -> None:
        self.history: list[LightPattern] = []
        self.percent = 100

    @property
    def pattern(self) -> LightPattern:
        """What it shows now."""
        return self.history[-1] if self.history else "off"

    def show(self, pattern: LightPattern, percent: int = 100) -> None:
        """Remember the pattern."""
        self.history = [*self.history[-99:], pattern]
        self.percent = percent

    def close(self) -> None:
        """Off."""
        self.show("off")
