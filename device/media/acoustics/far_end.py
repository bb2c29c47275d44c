"""What the speaker plays, lined up with what the microphone hears: for each block of the one, one of the other.

An echo canceller learns how long the echo takes. So what counts is that the same sample of the speaker's always meets
the same sample of the microphone's, whatever the threads' timing. Here the streams are counted in samples, never in
calls: jitter changes how much waits, for a moment, and that is all it changes. What changes for longer than that is
real: a speaker that ran dry played silence, a microphone that was not read lost sound, two crystals differ. Then what
waits stays larger or smaller, its median over half a second tells by how much, and silence is put in, sound left out,
or a single sample slipped. Between two blocks the speaker plays on, so the clock says what waits to the sample.
"""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from device.hardware.ports import BLOCK, SAMPLE_RATE, Block
from device.hardware.sound import silence

CAPACITY = 100 * BLOCK  # samples: a second; nobody is so late
# Samples that wait before the first is given. Fewer, and a speaker's thread that is 10 ms late is missed; more, and the
# echo could come before what it is the echo of: a sound server and quick sound cards take 25 ms in all.
PRIMED = 2 * BLOCK
_DRY = 20  # blocks without any of the speaker's: it is shut, and when it comes again all begins anew
_WINDOW = 50  # blocks over which the median is taken
_STEP = 5 * BLOCK // 4  # samples: what has moved by more was no crystal; it is put right at once, when seen twice
_STEADY = 20  # blocks
_LONG = 20  # windows (10 s) over which crystals are judged: a slip that is not needed costs the canceller
_DEAD_BAND = 96  # samples (2 ms) that even their median moves by itself
_SLIP_EVERY = 10  # blocks between two slipped samples: 210 ppm, more than two crystals differ


@dataclass
class FarEndCounts:
    """Samples since the beginning: `missing` were asked for before they were played, `put_in` and `left_out` to
    put a shift right, `slipped` for the crystals' difference (more than the microphone's: positive)."""

    missing: int = 0
    put_in: int = 0
    left_out: int = 0
    slipped: int = 0


class FarEnd:
    """`put` by the speaker's thread, `take` by the microphone's, each with 10 ms at a time."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._put_at = 0.0
        self._lock = threading.Lock()
        self._ring = np.zeros(CAPACITY, np.int16)
        self._written = 0
        self._read = 0
        self._primed = False
        self._dry = 0
        self._levels: list[float] = []
        self._usual: float | None = None  # samples that wait when all is as it was at the beginning
        self._moves: list[int] = []  # of the last windows, in samples
        self._suspected = 0  # samples that the last window had moved by, if that was a step
        self._slip = 0  # samples to slip, one now and then
        self._pace = 0.0  # samples a block by which the echo moves, as it was heard in the room
        self._owed = 0.0  # of these
        self._since_slip = 0
        self._steady = 0  # blocks
        self.counts = FarEndCounts()

    def put(self, block: Block) -> None:
        """The speaker plays this next."""
        with self._lock:
            self._put_at = self._monotonic()
            self._write(block)

    def take(self) -> Block:
        """What belongs to the microphone's next block; silence while the speaker is shut."""
        with self._lock:
            waiting = self._written - self._read
            if not self._primed and not self._prime(waiting):
                return silence()
            self._judge(waiting + (self._monotonic() - self._put_at) * SAMPLE_RATE)
            return self._give()

    def follow(self, ppm: float) -> None:
        """The echo comes later by so many microseconds a second: keep what is given as late, a sample at a time."""
        with self._lock:
            self._pace = -ppm * 1e-6 * BLOCK

    @property
    def slipped(self) -> int:
        """Samples left out of what was given since the beginning, less those given twice, one at a time."""
        return self.counts.slipped

    @property
    def steady(self) -> bool:
        """Whether for a while (200 ms) the two streams have come when they should."""
        return self._steady >= _STEADY

    @property
    def waiting_ms(self) -> float:
        """How much later the canceller is told of a sample than the speaker's thread gave it."""
        return (self._written - self._read) * 1000 / SAMPLE_RATE

    def _prime(self, waiting: int) -> bool:
        if waiting < PRIMED:
            return False
        self._read = self._written - PRIMED
        self._primed, self._dry = True, 0
        self._levels.clear()
        self._moves.clear()
        self._usual, self._suspected, self._slip = None, 0, 0
        return True

    def _judge(self, waiting: float) -> None:
        self._levels.append(waiting)
        punctual = self._usual is not None and abs(waiting - self._usual) <= _STEP
        self._steady = self._steady + 1 if punctual else 0
        if len(self._levels) < _WINDOW:
            return
        median = statistics.median(self._levels)
        self._levels.clear()
        if self._usual is None:
            self._usual = median
            return
        moved = round(median - self._usual)
        if abs(moved) <= _STEP:
            self._suspected = 0
            self._judge_crystals(moved)
        elif self._suspected and abs(moved - self._suspected) <= _STEP:
            self._shift(moved)
        else:
            self._suspected = moved  # a busy machine may be late for half a second

    def _judge_crystals(self, moved: int) -> None:
        self._moves.append(moved)
        if len(self._moves) == _LONG:
            drifted = round(statistics.median(self._moves))
            self._moves.clear()
            self._slip = drifted if abs(drifted) > _DEAD_BAND else 0

    def _shift(self, moved: int) -> None:
        self._suspected, self._slip = 0, 0
        self._moves.clear()
        if moved > 0:
            left_out = min(moved, self._written - self._read)
            self._read += left_out
            self.counts.left_out += left_out
        else:
            # What waits is what comes after the silence that the speaker played while it had nothing.
            self._read += moved
            self._blank(self._read, -moved)
            self.counts.put_in -= moved

    def _give(self) -> Block:
        length = BLOCK + (self._slipping() or self._following())
        there = min(length, self._written - self._read)
        if there == 0:
            self._dry += 1
            self._primed = self._dry < _DRY
        else:
            self._dry = 0
        at = self._read % CAPACITY
        if there == length and at + length <= CAPACITY:
            taken = self._ring[at : at + length].copy()
        else:
            taken = np.zeros(length, np.int16)
            taken[:there] = self._ring.take(np.arange(self._read, self._read + there), mode="wrap")
        if there < length:
            # Its place is kept: what comes late is given to the blocks after, until the median has told.
            self.counts.missing += length - there
            self._steady = 0
        self._read += there
        return taken[:BLOCK] if length >= BLOCK else np.append(taken, taken[-1:])

    def _slipping(self) -> int:
        self._since_slip += 1
        if not self._slip or self._since_slip < _SLIP_EVERY:
            return 0
        one = 1 if self._slip > 0 else -1
        self._slip -= one
        self._since_slip = 0
        self._steady = 0  # blocks
        self.counts.slipped += one
        return one

    def _following(self) -> int:
        self._owed += self._pace
        one = int(self._owed)  # never more than one: MOST_PPM of a block is a seventh of a sample
        self._owed -= one
        self.counts.slipped += one
        return one

    def _write(self, block: Block) -> None:
        at = self._written % CAPACITY
        self._ring[at : at + BLOCK] = block
        self._written += BLOCK
        self._read = max(self._read, self._written - CAPACITY)

    def _blank(self, start: int, count: int) -> None:
        self._ring[np.arange(start, start + count) % CAPACITY] = 0
