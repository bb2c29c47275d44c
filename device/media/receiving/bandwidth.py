"""How much the line from the other side takes (REMB). Pure: packets, losses and times in, bits a second out.

It begins with START_BPS, for a browser sends what it is told at once and a narrow line is flooded by more for seconds,
and is at what we want after a second if no queue shows. It comes down when the line shows that it is full: a
queue that stands (the least of the delays in a window, so that jitter and bursts that drain are none) and grows, or a
tenth of the packets lost. Delays are differences of arrival times (the kernel's, so that a loop of ours that is out of
breath is no queue) and abs-send-time. Random loss is told from a full line by what a cut does to it: nothing.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

FLOOR_BPS = 50_000  # of pictures: a line of 150 kbit/s has no more than 90 left beside the browser's sound
START_BPS = 300_000
TELL_S = 1.0
_BIN_S = 0.05
_WINDOW_S = 0.2  # a queue that has not drained for so long stands
_KEPT_BINS = 40
_ENOUGH, _ENOUGH_AT_ONCE = 8, 3  # packets in a window, for an ordinary queue and for a very long one
_QUEUE_S, _LONG_QUEUE_S, _DRAINED_S = 0.05, 0.2, 0.03
_GROWTH_S = 0.005  # from one window to the next
_STANDING_S = 1.0  # a queue that neither grows nor drains for so long is cut into as well
_STANDING_QUEUE_S = 0.12
_BASE_SLOTS, _SLOT_S = 30, 1.0  # the least delay of the last half minute is that of the empty line
_GAP_S = 5.0  # after such a silence delays are measured anew
_BLIND_S = 0.2  # with round trip and queue: until a cut can be seen
_MOST_BLIND_S = 2.0
_KEEP, _KEEP_LEAST, _DRAIN = 0.92, 0.5, 1.0  # of the line's measure; less when there is a queue to drain
_LOSS, _LOSS_WINDOW_S, _LOSS_PACKETS = 0.1, 1.0, 20
_UNCHANGED = 0.6  # of the loss before a cut is there after it: the line is like that
_SLOW, _SLOWEST, _FAST, _DOUBLES_S = 0.04, 0.01, 0.6, 1.5  # growth a second: near a known limit, and far from it
_OPENING = 1.6  # growth a second until the line has shown a limit
_OVER_ARRIVING, _OVER_BPS = 1.5, 50_000  # the most asked for over what arrives, once the line has shown a limit
_MORE = 1.15  # times the limit that was known: it is one no longer
_TOLD_BEFORE, _TOLD_AGAIN = 0.97, 1.2
_ABS_SEND = 1 << 24  # units of 2**-18 s


@dataclass(slots=True)
class _Bin:
    first: float
    last: float
    size: int = 0
    packets: int = 0
    least: float = float("inf")


class BandwidthEstimator:
    """One line. `ceiling` is the most that is of use (bits a second); times in seconds, by one clock."""

    def __init__(self, ceiling: int) -> None:
        self._ceiling = max(ceiling, FLOOR_BPS)
        self._rate = float(min(START_BPS, self._ceiling))
        self._bins: deque[_Bin] = deque(maxlen=_KEPT_BINS)
        self._bin: _Bin | None = None
        self._sent: int | None = None
        self._clock = 0  # abs-send-time without its wrapping
        self._bases: deque[tuple[int, float]] = deque(maxlen=_BASE_SLOTS)
        self._base = float("inf")
        self._blind_until = 0.0
        self._draining = False
        self._limit: float | None = None  # what the line took when it was full, until it has been seen to take more
        self._slow = _SLOW
        self._calm = 0.0
        self._standing_since: float | None = None
        self._losses = _Losses()
        self._before_loss_cut = 0.0
        self._judged: float | None = None
        self._told: tuple[float, float] | None = None  # rate and time
        self.queue = 0.0  # seconds; the one that stands now
        self.cuts = 0

    @property
    def rate(self) -> int:
        """Bits a second that the other side may send."""
        return int(self._rate)

    def packet(self, abs_send_time: int, arrived: float, size: int) -> None:
        """A packet came, `size` in bytes; `abs_send_time` in 2**-18 s modulo 64 s."""
        if self._bin is not None and not -_GAP_S < arrived - self._bin.last < _GAP_S:
            self._forget_delays()
        delay = arrived - self._unwrap(abs_send_time) / (1 << 18)
        current = self._bin
        if current is None or arrived - current.first >= _BIN_S:
            if current is not None:
                self._bins.append(current)
            current = self._bin = _Bin(arrived, arrived)
        current.last = max(current.last, arrived)
        current.size += size
        current.packets += 1
        current.least = min(current.least, delay)
        self._note_base(delay, arrived)

    def look(self, now: float, expected: int, lost: int, round_trip: float) -> int | None:
        """Judge the line, at most every 50 ms; what to tell the other side now, if anything.

        `expected` and `lost` count the packets of the stream since it began, `lost` those lost on their first way.
        """
        if self._judged is None:
            self._judged = now
        elif now - self._judged >= _BIN_S:
            step, self._judged = min(now - self._judged, 1.0), now
            self._losses.note(now, expected, lost)
            self._judge(now, step, round_trip)
        return self._tell(now)

    def _judge(self, now: float, step: float, round_trip: float) -> None:
        recent, older = self._windows()
        growth = 0.0
        if recent is not None:
            self.queue = max(0.0, recent - self._base)
            growth = recent - older if older is not None else 0.0
        if now < self._blind_until:
            return
        if (recent is not None and self._is_full(growth, older is not None, now)) or self._loses(now):
            self._cut(now, round_trip)
        elif self._draining and self.queue >= _DRAINED_S:
            self._calm = 0.0
        else:
            self._grow(step)

    def _is_full(self, growth: float, known: bool, now: float) -> bool:
        if self.queue < _QUEUE_S:
            self._standing_since = None
            return False
        if known and growth > _GROWTH_S:
            self._standing_since = None
            return True
        if growth < -_GROWTH_S or self.queue < _STANDING_QUEUE_S:
            self._standing_since = None
            return False
        if self._standing_since is None:
            self._standing_since = now
        if now - self._standing_since < _STANDING_S:
            return False
        self._standing_since = None
        if self._draining:  # a cut has changed nothing: this is no queue, the way has become longer
            self._rebase()
            return False
        return True

    def _loses(self, now: float) -> bool:
        loss = self._losses.fraction(now)
        if loss is None:
            return False
        if self._before_loss_cut:
            before, self._before_loss_cut = self._before_loss_cut, 0.0
            if self._losses.is_random(loss):
                self._rate, self._limit = max(self._rate, before), None
                return False
        if not self._losses.is_too_much(loss):
            return False
        self._losses.cut(loss)
        self._before_loss_cut = self._rate
        return True

    def _cut(self, now: float, round_trip: float) -> None:
        arriving = self._arriving()
        keep = max(_KEEP_LEAST, _KEEP - _DRAIN * self.queue)
        if self._limit is not None and 0.85 < arriving / self._limit < 1.15:
            self._slow = max(_SLOWEST, self._slow / 2)
        else:
            self._slow = _SLOW
        self._limit = max(arriving, FLOOR_BPS)
        self._rate = min(self._rate, max(FLOOR_BPS, keep * arriving))
        self._blind_until = now + min(_MOST_BLIND_S, _BLIND_S + round_trip + self.queue)
        self._losses.restart(self._blind_until)
        self._draining = self.queue >= _DRAINED_S
        self._calm = 0.0
        self.cuts += 1

    def _grow(self, step: float) -> None:
        limit = self._limit
        if self._draining and limit is not None:
            self._rate = max(self._rate, _KEEP * limit)
        self._draining = False
        arriving = self._arriving()
        if limit is not None and arriving > _MORE * limit:
            limit = self._limit = None
        self._calm += step
        opening = _OPENING if not self.cuts else _FAST
        faster = min(_FAST, self._slow * 2.0 ** (self._calm / _DOUBLES_S)) if limit is not None else opening
        grown = self._rate * (1 + faster * step)
        if self.cuts:
            grown = min(grown, max(self._rate, _OVER_ARRIVING * arriving + _OVER_BPS))
        self._rate = min(self._ceiling, grown)

    def _tell(self, now: float) -> int | None:
        if self._told is not None:
            rate, at = self._told
            if now - at < TELL_S and _TOLD_BEFORE * rate <= self._rate <= _TOLD_AGAIN * rate:
                return None
        self._told = self._rate, now
        return self.rate

    def _windows(self) -> tuple[float | None, float | None]:
        """The least delay of the last window and of the one before it."""
        recent, rest = self._window(len(self._bins))
        older, _ = self._window(rest)
        return recent, older

    def _window(self, end: int) -> tuple[float | None, int]:
        """The least delay of the window that ends before bin `end`, None if it is not whole; where it begins."""
        packets, least, last = 0, float("inf"), 0.0
        for at in range(end - 1, -1, -1):
            piece = self._bins[at]
            last = last or piece.last
            packets += piece.packets
            least = min(least, piece.least)
            enough = _ENOUGH if least - self._base < _LONG_QUEUE_S else _ENOUGH_AT_ONCE
            if packets >= enough and (last - piece.first >= _WINDOW_S - _BIN_S or enough == _ENOUGH_AT_ONCE):
                return least, at
        return None, 0

    def _arriving(self) -> float:
        """Bits a second of the last half second."""
        size, first, last, taken = 0, 0.0, 0.0, None
        for piece in reversed(self._bins):
            last = last or piece.last
            if last - piece.first > 0.5 and taken is not None and last - first >= 0.25:
                break
            size, first, taken = size + piece.size, piece.first, piece
        if taken is None:
            return 0.0
        one = taken.size / taken.packets  # the first packet only marks when the time begins
        return max(0.0, size - one) * 8 / max(last - first, _BIN_S)

    def _unwrap(self, abs_send_time: int) -> int:
        if self._sent is not None:
            step = (abs_send_time - self._sent) % _ABS_SEND
            self._clock += step if step < _ABS_SEND // 2 else step - _ABS_SEND
        self._sent = abs_send_time
        return self._clock

    def _note_base(self, delay: float, arrived: float) -> None:
        slot = int(arrived / _SLOT_S)
        if not self._bases or self._bases[-1][0] != slot:
            self._bases.append((slot, delay))
            self._base = min(least for _, least in self._bases)
        elif delay < self._bases[-1][1]:
            self._bases[-1] = (slot, delay)
            self._base = min(self._base, delay)

    def _rebase(self) -> None:
        recent, _ = self._windows()
        if recent is not None and self._bases:
            self._bases = deque([(self._bases[-1][0], recent)], maxlen=_BASE_SLOTS)
            self._base = recent
        self.queue, self._draining = 0.0, False

    def _forget_delays(self) -> None:
        self._bins.clear()
        self._bases.clear()
        self._base, self._bin, self._sent, self._clock = float("inf"), None, None, 0
        self.queue, self._draining, self._standing_since = 0.0, False, None


class _Losses:
    """The share of packets lost in the last second, and whether sending less changes it."""

    def __init__(self) -> None:
        self._notes: deque[tuple[float, int, int]] = deque(maxlen=64)
        self._from = 0.0
        self._random = 0.0
        self._at_cut = 0.0

    def note(self, now: float, expected: int, lost: int) -> None:
        while self._notes and now - self._notes[0][0] > _LOSS_WINDOW_S:
            self._notes.popleft()
        if now >= self._from:
            self._notes.append((now, expected, lost))

    def restart(self, since: float) -> None:
        """Count only what comes after this time."""
        self._notes.clear()
        self._from = since

    def fraction(self, now: float) -> float | None:
        """None while too little is known."""
        if not self._notes or now - self._notes[0][0] < _LOSS_WINDOW_S / 2:
            return None
        _, expected, lost = self._notes[-1]
        _, expected_before, lost_before = self._notes[0]
        if expected - expected_before < _LOSS_PACKETS:
            return None
        return max(0, lost - lost_before) / (expected - expected_before)

    def is_too_much(self, loss: float) -> bool:
        self._random *= 0.999  # each 50 ms: half of it is forgotten in 35 s
        return loss > max(_LOSS, 1.5 * self._random)

    def cut(self, loss: float) -> None:
        self._at_cut = loss

    def is_random(self, loss: float) -> bool:
        """Whether a cut has changed nothing: then this much is how the line is."""
        if loss < _UNCHANGED * self._at_cut:
            return False
        self._random = max(loss, self._at_cut)
        return True
