"""How good a line is, in three steps and one reason, for each direction. Pure.

A direction is judged by the mean of its last five seconds. Worse is told as soon as the mean is worse; better, or
another reason for the same grade, only when five seconds have passed: a mark that flickers helps nobody. Sound weighs
first: without it there is no consultation. The desk's page grades what it sees by the same limits for loss and delay
(`region/desk/static/quality.js`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from device.call.samples import Second
from messaging.quality import Grade, Heading, Reason

WINDOW = 5  # seconds
_LEAST = 3  # seconds, before anything is judged
_STEPS: tuple[Grade, ...] = ("good", "fair", "poor")

# From which mean on a direction is fair, and poor.
MISSING = (0.02, 0.08)  # share of the sound received
LOSS = (0.02, 0.08)
RTT_S = (0.3, 0.6)
ROOM_KBPS = (400.0, 150.0)  # for pictures, below which
FPS_OUT = (13.0, 6.0)  # cameras give 30, and 15 in a dim room
FPS_IN = (8.0, 4.0)  # a browser's gives less in a dark room, which is not the line's fault
FROZEN = (0.01, 0.3)


@dataclass(frozen=True)
class Verdict:
    """What to tell of one direction."""

    grade: Grade = "good"
    reason: Reason = "none"


def worse(one: Grade, other: Grade) -> Grade:
    """The worse of two."""
    return max(one, other, key=_STEPS.index)


class Grader:
    """One direction over a call. `look` takes each second in turn."""

    def __init__(self, heading: Heading) -> None:
        self._judge = judge_out if heading == "out" else judge_in
        self._seconds: deque[Second] = deque(maxlen=WINDOW)
        self._better = self._age = 0  # seconds: that it has been better, and that the verdict has stood
        self.verdict = Verdict()

    def look(self, second: Second) -> Verdict:
        """What to tell now. A second without a line is poor in itself; what was before it counts no more after it."""
        if second.line_lost:
            self._seconds.clear()
            self._better = 0
            return self.verdict
        self._seconds.append(second)
        if len(self._seconds) >= _LEAST:
            self._settle(self._judge(self._seconds))
        return self.verdict

    def _settle(self, found: Verdict) -> None:
        now, shown = _STEPS.index(found.grade), _STEPS.index(self.verdict.grade)
        self._better = self._better + 1 if now < shown else 0
        self._age += 1
        other_reason = now == shown and found != self.verdict and self._age >= WINDOW
        if now > shown or other_reason or self._better >= WINDOW:
            self._better = self._age = 0
            self.verdict = found


def judge_out(seconds: Iterable[Second]) -> Verdict:
    """What the station sends."""
    window = list(seconds)
    pictured = [second for second in window if second.out.pictured]
    return _worst(
        _over("loss", _mean(window, lambda second: second.out.loss), LOSS),
        _over("delay", _trip(window), RTT_S),
        _under("narrow", _room(window), ROOM_KBPS) if pictured else Verdict(),
        _under("picture", _mean(pictured, lambda second: second.out.fps), FPS_OUT) if pictured else Verdict(),
    )


def judge_in(seconds: Iterable[Second]) -> Verdict:
    """What the station receives."""
    window = list(seconds)
    pictured = [second for second in window if second.into.pictured]
    return _worst(
        _over("sound", _mean(window, lambda second: second.missing), MISSING),
        _over("loss", _mean(window, lambda second: second.into.loss), LOSS),
        _over("delay", _trip(window), RTT_S),
        _over("picture", _mean(pictured, lambda second: second.into.frozen), FROZEN),
        _under("picture", _mean(pictured, lambda second: second.into.fps), FPS_IN) if pictured else Verdict(),
    )


def _worst(*verdicts: Verdict) -> Verdict:
    """The worst; of equal ones the first, so their order is that of what weighs most."""
    return max(verdicts, key=lambda verdict: _STEPS.index(verdict.grade))


def _over(reason: Reason, value: float, limits: tuple[float, float]) -> Verdict:
    if value < limits[0]:
        return Verdict()
    return Verdict("fair" if value < limits[1] else "poor", reason)


def _under(reason: Reason, value: float, limits: tuple[float, float]) -> Verdict:
    if value >= limits[0]:
        return Verdict()
    return Verdict("fair" if value >= limits[1] else "poor", reason)


def _mean(seconds: list[Second], of: Callable[[Second], float]) -> float:
    whole = sum(second.seconds for second in seconds)
    return sum(of(second) * second.seconds for second in seconds) / whole if whole else 0.0


def _trip(seconds: list[Second]) -> float:
    trips = [second.rtt_s for second in seconds if second.rtt_s is not None]
    return sum(trips) / len(trips) if trips else 0.0


def _room(seconds: list[Second]) -> float:
    rooms = [second.out.room_kbps for second in seconds if second.out.room_kbps is not None]
    return sum(rooms) / len(rooms) if rooms else ROOM_KBPS[0]
