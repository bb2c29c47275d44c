"""The ladder of picture sizes and frame rates: which step a bit rate is worth.

A doctor who looks at a wound, a face or a tremor needs a sharp picture before a fluent one: from one size to the next
larger we go at 15 pictures a second and only then to 30; 8 only where the alternative is a quarter of the size. A step
is worth taking when its bits per pixel reach `_BITS_PER_PIXEL`, which is what a calm room needs, measured with x264 as
we run it (docs/decisions/0014-rate-control.md); whether this room is one, the encoder tells (`sharpness`). And a size
is worth it only if its key frame gets through in about half a second: on a thin line a larger one stands still instead.

Down is at once, for a line that is overrun freezes. Up waits until the rate has held for `CALM_S`, and twice as long
after each step up that did not hold: a change of size costs a key frame and shows.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from functools import lru_cache

MOST_WIDTH, MOST_HEIGHT = 1280, 720  # what level 3.1 of H.264 promises every browser at 30 pictures a second
LEAST_LINES = 180
CALM_S = 3.0
CALM_MOST_S = 60.0
_STEADY_S = 20.0  # a step that has held so long is no mistake
_UP, _DOWN = 1.1, 0.85  # of a step's need, to take it and to leave it
_SHARES = (1.0, 0.75, 0.5, 0.25)  # of the camera's sides: of 1280x720, the sizes 960x540, 640x360 and 320x180
_BITS_PER_PIXEL = {30: 0.008, 15: 0.012, 8: 0.018}
_KEY_BITS_PER_PIXEL = 0.25
_KEY_S = {30: 0.5, 15: 0.6, 8: 0.7}  # the longest that a key frame may take to leave
_SMALLEST_FPS = 15  # the smallest picture is cheap enough to move


@dataclass(frozen=True)
class Step:
    """One size and frame rate, and the bits a second of picture from which it is worth having."""

    width: int
    height: int
    fps: int
    need: int


@lru_cache(64)
def steps(width: int, height: int, fps: int) -> tuple[Step, ...]:
    """The ladder of a camera, lowest first: never larger than it, its shape kept (to even sides), needs ascending."""
    sizes = _sizes(width, height)
    found: list[Step] = [Step(*sizes[-1], min(_SMALLEST_FPS, fps), 0)]
    for wide, high in reversed(sizes):
        for pace in sorted(_BITS_PER_PIXEL):
            actual = min(pace, fps)
            need = int(wide * high * max(actual * _BITS_PER_PIXEL[pace], _KEY_BITS_PER_PIXEL / _KEY_S[pace]))
            better = (wide * high, actual) > (found[-1].width * found[-1].height, found[-1].fps)
            if better and _worth(sizes, wide, high, pace):
                found = [step for step in found if step.need < need] + [Step(wide, high, actual, need)]
    return tuple(found)


def _sizes(width: int, height: int) -> list[tuple[int, int]]:
    whole = min(1.0, MOST_WIDTH / width, MOST_HEIGHT / height)
    sizes = [(_even(width * whole * share), _even(height * whole * share)) for share in _SHARES]
    return [size for size in sizes if size[1] >= LEAST_LINES] or sizes[:1]


def _even(side: float) -> int:
    return max(2, int(side) & ~1)


def _worth(sizes: list[tuple[int, int]], width: int, height: int, pace: int) -> bool:
    """Eight pictures a second only for the second smallest size, which is four times the smallest."""
    return pace > min(_BITS_PER_PIXEL) or (len(sizes) > 1 and (width, height) == sizes[-2])


class Ladder:
    """Where we stand on the ladder."""

    def __init__(self, width: int, height: int, fps: int, rate: int, now: float) -> None:
        self._steps = steps(width, height, fps)
        self._at = self._highest(rate)
        self._since = now
        self._rose = False
        self._calm = CALM_S
        self._rates: deque[tuple[float, int]] = deque()

    @property
    def step(self) -> Step:
        """Where we stand."""
        return self._steps[self._at]

    def look(self, rate: int, now: float) -> Step:
        """Where to stand with so many bits a second of picture."""
        self._remember(rate, now)
        if rate < self.step.need * _DOWN:
            self._down(rate, now)
        elif now - self._since >= self._calm and self._rates[0][0] <= now - self._calm:
            self._up(now)
        return self.step

    def _remember(self, rate: int, now: float) -> None:
        self._rates.append((now, rate))
        while len(self._rates) > 1 and self._rates[1][0] <= now - self._calm:
            self._rates.popleft()

    def _down(self, rate: int, now: float) -> None:
        hasty = self._rose and now - self._since < _STEADY_S
        self._calm = min(CALM_MOST_S, self._calm * 2) if hasty else max(CALM_S, self._calm / 2)
        self._at = self._highest(int(rate / _DOWN))
        self._since, self._rose = now, False

    def _up(self, now: float) -> None:
        highest = self._highest(int(min(rate for _, rate in self._rates) / _UP))
        if highest > self._at:
            self._at, self._since, self._rose = highest, now, True

    def _highest(self, rate: int) -> int:
        return max(i for i, step in enumerate(self._steps) if step.need <= rate)
