"""A call in numbers: totals, means, percentiles where they tell something, and its worst ten seconds. Pure.

Fed with each second of the call, over as many peer connections as it took. Its memory does not grow with the call.
"""

from __future__ import annotations

import math
from collections import defaultdict, deque
from collections.abc import Iterable
from typing import get_args

from device.call.grading import worse
from device.call.samples import Flow, Second
from messaging.quality import (
    CallQuality,
    Codec,
    Encoder,
    Grade,
    Path,
    SoundQuality,
    WayQuality,
    WorstQuality,
)

WORST = 10  # seconds
_SHARE = 0.1  # of a call: a grade that held for less is an incident, not what the call was like
_STEP = math.log(1.05)  # percentiles are true to 5 %
_NOUGHT, _NOUGHT_STEP = 1e-6, -1000
_MOST_SIZES = 64
_PERCENT = 0.95
_MOST_S = 1e7
_MOST_LOST_BADNESS, _MOST_TRIP_BADNESS, _MOST_BADNESS = 2.0, 1.0, 10.0
_TRIP_S = 0.3  # from here on people begin to talk at the same time
_SMOOTH = 15.0  # pictures a second


def badness(second: Second) -> float:
    """How hard a second was to bear, from 0 to 10.

    Without a line it is 10. Otherwise the sum of: the share of the sound received that was missing, times 5; the part
    of the second in which the picture stood, times 2; of each direction the share of packets lost, times 10 but 2 at
    most; of each direction what lacks in 15 pictures a second, as a share; the round trip over 0.3 s, in seconds, 1 at
    most. Sound weighs more than picture: without it there is no consultation.
    """
    if second.line_lost:
        return _MOST_BADNESS
    trip = min(max((second.rtt_s or 0.0) - _TRIP_S, 0.0), _MOST_TRIP_BADNESS)
    whole = 5 * second.missing + 2 * second.into.frozen + trip + sum(map(_of_flow, (second.out, second.into)))
    return min(whole, _MOST_BADNESS)


def _of_flow(flow: Flow) -> float:
    slow = max(0.0, 1 - flow.fps / _SMOOTH) if flow.pictured else 0.0
    return min(10 * flow.loss, _MOST_LOST_BADNESS) + slow


class CallStatistics:
    """One call, since the two first met."""

    def __init__(self, connect_s: float | None) -> None:
        self._connect_s = connect_s
        self._seconds = self._lost_s = self._line_s = 0.0
        self._resumes = 0
        self._out, self._into = _Way(), _Way()
        self._grades: dict[Grade, float] = {"good": 0.0, "fair": 0.0, "poor": 0.0}
        self._trips = _Percentiles()
        self._delay_sum = self._skew_sum = self._skew_s = 0.0
        self._sound_lost = self._sound_repaired = 0
        self._concealed_ms = self._unheard_ms = 0.0
        self._path: Path | None = None
        self._codec: Codec | None = None
        self._last: deque[tuple[float, Second]] = deque(maxlen=WORST)  # how bad, and what it was like
        self._worst: tuple[float, float, tuple[Second, ...]] | None = None  # how bad, when, and the seconds

    def add(self, second: Second, out: Grade, into: Grade) -> None:
        """The next second, and how its directions were graded."""
        if second.line_lost:
            out = into = "poor"
            self._lost_s += second.seconds
        else:
            self._with_line(second)
        self._out.graded(out, second.seconds)
        self._into.graded(into, second.seconds)
        self._grades[worse(out, into)] += second.seconds
        self._seconds += second.seconds
        self._last.append((badness(second), second))
        self._remember_worst()

    def resumed(self) -> None:
        """The line was lost, and is there again."""
        self._resumes += 1

    def went(self, path: Path | None, codec: Codec | None) -> None:
        """How the media go, and in which codec pictures are sent; None for what is not known now."""
        self._path = path or self._path
        self._codec = codec or self._codec

    def result(self, call: str, at: float, encoder: str) -> CallQuality:
        """The whole call; `encoder` as `Media.encoder` names it."""
        return CallQuality(
            call, at, _round(self._seconds), self.grade, self._resumes, _round(self._lost_s),
            self._out.result(), self._into.result(),
            SoundQuality(
                self._sound_lost, self._sound_repaired, _round(self._concealed_ms), _round(self._unheard_ms),
                _round(self._delay_sum / self._line_s if self._line_s else 0.0),
                round(self._skew_sum / self._skew_s, 1) if self._skew_s else None,
            ),
            None if self._connect_s is None else round(min(max(self._connect_s, 0.0), _MOST_S), 2),
            _ms(self._trips.mean), _ms(self._trips.high), self._path, self._codec, _encoder(encoder, self._codec),
            self._worst_result(),
        )  # fmt: skip

    @property
    def grade(self) -> Grade:
        """The worst that held for a tenth of the call."""
        poor, fair = self._grades["poor"], self._grades["fair"]
        if poor >= _SHARE * self._seconds > 0:
            return "poor"
        return "fair" if poor + fair >= _SHARE * self._seconds > 0 else "good"

    def _with_line(self, second: Second) -> None:
        self._line_s += second.seconds
        self._out.flowed(second.out, second.seconds)
        self._into.flowed(second.into, second.seconds)
        if second.rtt_s is not None:
            self._trips.add(second.rtt_s, second.seconds)
        self._delay_sum += second.delay_ms * second.seconds
        if second.skew_ms is not None:
            self._skew_sum += second.skew_ms * second.seconds
            self._skew_s += second.seconds
        self._sound_lost += second.sound_lost
        self._sound_repaired += second.sound_repaired
        self._concealed_ms += second.concealed_ms
        self._unheard_ms += second.unheard_ms

    def _remember_worst(self) -> None:
        if len(self._last) < WORST:
            return
        bad = sum(each for each, _ in self._last) / WORST
        if self._worst is None or bad > self._worst[0]:
            window = tuple(second for _, second in self._last)
            self._worst = bad, max(0.0, self._seconds - sum(second.seconds for second in window)), window

    def _worst_result(self) -> WorstQuality | None:
        """None for a call shorter than ten seconds: there is no more to tell of it than the whole."""
        if self._worst is None:
            return None
        bad, began, window = self._worst
        with_line = [second for second in window if not second.line_lost]
        trips = [second.rtt_s for second in with_line if second.rtt_s is not None]
        return WorstQuality(
            round(bad, 2), _round(began), _round(sum(second.seconds for second in window if second.line_lost)),
            round(_mean(second.out.loss for second in with_line), 4),
            round(_mean(second.into.loss for second in with_line), 4),
            _round(_mean(second.out.sound_kbps + second.out.picture_kbps for second in window)),
            _round(_mean(second.into.sound_kbps + second.into.picture_kbps for second in window)),
            _round(_mean(second.out.fps for second in window)), _round(_mean(second.into.fps for second in window)),
            _round(sum(second.into.frozen * second.seconds for second in window)),
            _round(sum(second.concealed_ms + second.unheard_ms for second in window)),
            _ms(_mean(trips)) if trips else None,
        )  # fmt: skip


class _Way:
    """One direction."""

    def __init__(self) -> None:
        self._seconds = self._sound = self._pictures = self._frozen = 0.0
        self._pictured_s = self._frames = 0.0
        self._freezes = 0
        self._loss = _Percentiles()
        self._sizes: dict[tuple[int, int], float] = {}
        self._grades: dict[Grade, float] = {"good": 0.0, "fair": 0.0, "poor": 0.0}

    def flowed(self, flow: Flow, seconds: float) -> None:
        self._seconds += seconds
        self._sound += flow.sound_kbps * seconds
        self._pictures += flow.picture_kbps * seconds
        self._loss.add(flow.loss, seconds)
        if flow.pictured:
            self._pictured_s += seconds
            self._frames += flow.fps * seconds
            self._frozen += flow.frozen * seconds
            self._freezes += flow.freezes
        size = flow.width, flow.height
        if all(size) and (size in self._sizes or len(self._sizes) < _MOST_SIZES):
            self._sizes[size] = self._sizes.get(size, 0.0) + seconds

    def graded(self, grade: Grade, seconds: float) -> None:
        self._grades[grade] += seconds

    def result(self) -> WayQuality:
        width, height = max(self._sizes, key=self._sizes.__getitem__, default=(0, 0))
        whole = self._seconds or 1.0
        good, fair, poor = (_round(seconds) for seconds in self._grades.values())
        return WayQuality(
            _round(self._sound / whole), _round(self._pictures / whole), round(self._loss.mean or 0.0, 4),
            round(min(self._loss.high or 0.0, 1.0), 4), _round(self._frames / (self._pictured_s or 1.0)), width, height,
            good, fair, poor, self._freezes, _round(self._frozen),
        )  # fmt: skip


class _Percentiles:
    """Numbers and their weights, in steps of 5 %, so that hours take no more room than a minute."""

    def __init__(self) -> None:
        self._weights: defaultdict[int, float] = defaultdict(float)
        self._sum = self._weight = 0.0
        self._most = 0.0

    def add(self, value: float, weight: float) -> None:
        step = math.ceil(math.log(value) / _STEP) if value > _NOUGHT else _NOUGHT_STEP
        self._weights[step] += weight
        self._sum += value * weight
        self._weight += weight
        self._most = max(self._most, value)

    @property
    def mean(self) -> float | None:
        return self._sum / self._weight if self._weight else None

    @property
    def high(self) -> float | None:
        """The 95th percentile."""
        below = 0.0
        for step in sorted(self._weights):
            below += self._weights[step]
            if below >= _PERCENT * self._weight:
                return 0.0 if step == _NOUGHT_STEP else min(math.exp(step * _STEP), self._most)
        return None


def _encoder(name: str, codec: Codec | None) -> Encoder:
    word = name.split(",")[0].strip()
    if codec == "VP8":
        return "other"
    found: Encoder = word if word in get_args(Encoder) else "other"  # type: ignore[assignment]
    return found


def _mean(values: Iterable[float]) -> float:
    found = list(values)
    return sum(found) / len(found) if found else 0.0


def _round(value: float) -> float:
    return round(min(value, _MOST_S), 1)


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(min(seconds * 1000, 1e5), 1)
