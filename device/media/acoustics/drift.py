"""How fast the echo moves: two crystals that differ, heard in the room itself.

A sound server hides from the counted streams that speaker and microphone have a crystal each, and what it does not hide
takes `far_end.py` ten seconds to be sure of. The echo tells it in three: what the room does to the clinician's sound
(a transfer function over 1.5 s) is the same a few seconds later, only shifted. A canceller that follows such a shift by
itself moves its filter by 4 ms now and then, and learns anew for a second and a half each time.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from device.hardware.ports import BLOCK, Block

MOST_PPM = 300.0  # two crystals differ by less; what moves faster is somebody with the box in his hands
SURE_PPM = 5.0  # what is less may be nothing, and costs the canceller nothing
_THINNED = 6  # 8 kHz are enough: speech ends before, and a shift shows to a fiftieth of a sample
_RATE = 48_000 // _THINNED
_WINDOW = 3 * _RATE // 2  # of the microphone's sound
_LENGTH = 16384  # of the transform: the window, and half a second of the clinician's before it
_LOOK_EVERY = 100  # blocks (1 s)
_KEPT = 7  # looks that are compared: the newest with the oldest
_APART_S = 2.0  # at least, between two looks that are compared
_OLD_S = 30.0
_CLEAR = 12.0  # the direct sound over the rest of what the room does; with a resident who speaks it is 5
_ALIKE = 2.5  # of the correlation's peak over what is about it; of rooms that are not the same 2
_FARTHEST = 16  # samples at 8 kHz (2 ms)
_SOFTEST = 3.0  # RMS of what is compared: in a pause there is no echo


@dataclass(frozen=True)
class _Look:
    at_s: float
    given: int  # samples at 48 kHz by which the clinician's sound had been slipped
    room: NDArray[np.complex128]
    delay: int  # samples at 8 kHz


class EchoDrift:
    """`hear` each block by the microphone's thread. `ppm`: how much later the echo comes as time goes on.

    It costs 2 ms of processor a second, all at once.
    """

    def __init__(self) -> None:
        self.ppm = 0.0
        self._far: deque[NDArray[np.float64]] = deque(maxlen=-(-_LENGTH * _THINNED // BLOCK))
        self._near: deque[NDArray[np.float64]] = deque(maxlen=_WINDOW * _THINNED // BLOCK)
        self._blocks = 0
        self._looks: deque[_Look] = deque(maxlen=_KEPT)  # at one room, the first too
        self._other: _Look | None = None  # that does not go with them: a mistake, or the box was moved

    def hear(self, far: Block, near: Block, slipped: int) -> None:
        """The microphone's next block and what was played with it, of which `slipped` samples were left out so far."""
        self._far.append(far.reshape(-1, _THINNED).mean(1))
        self._near.append(near.reshape(-1, _THINNED).mean(1))
        self._blocks += 1
        if self._blocks % _LOOK_EVERY == 0 and len(self._near) == self._near.maxlen:
            played = np.concatenate(self._far)[-_LENGTH:]
            found = _room(np.pad(played, (_LENGTH - len(played), 0)), np.concatenate(self._near))
            if found is not None:
                self._compare(_Look(self._blocks * BLOCK / 48_000, slipped, *found))

    def forget(self) -> None:
        """Another device: its crystal is another."""
        self.ppm = 0.0
        self._looks.clear()
        self._other = None

    def _compare(self, now: _Look) -> None:
        while self._looks and now.at_s - self._looks[0].at_s > _OLD_S:
            self._looks.popleft()
        if not self._looks or self._judge(self._looks[0], now):
            self._looks.append(now)
            self._other = None
        elif self._other is not None and _shift(self._other, now) is not None:
            self._looks.clear()
            self._looks.extend((self._other, now))
            self._other = None
        else:
            self._other = now

    def _judge(self, then: _Look, now: _Look) -> bool:
        shift = _shift(then, now)
        if shift is None:
            return False
        passed = now.at_s - then.at_s
        # What was left out of the clinician's sound makes the echo come later by as much.
        ppm = (shift - (now.given - then.given) / 48_000) / passed * 1e6
        if abs(ppm) > MOST_PPM:
            return False
        if passed >= _APART_S:
            self.ppm = ppm if abs(ppm) > SURE_PPM else 0.0
        return True


def _room(far: NDArray[np.float64], near: NDArray[np.float64]) -> tuple[NDArray[np.complex128], int] | None:
    """What the room did to `far` to make `near` of it, by frequency, and how late; None when not heard clearly."""
    played, heard = np.diff(far, prepend=far[0]), np.diff(near, prepend=near[0])  # as loud high up as low down
    if np.sqrt(np.mean(played**2)) < _SOFTEST or np.sqrt(np.mean(heard**2)) < _SOFTEST:
        return None
    spectrum = np.fft.rfft(played)
    power = np.convolve(np.abs(spectrum) ** 2, np.full(9, 1 / 9), "same")
    late = np.concatenate((np.zeros(_LENGTH - _WINDOW), heard))
    room: NDArray[np.complex128] = np.fft.rfft(late) * np.conj(spectrum) / (power + 0.1 * power.mean())
    response = np.abs(np.fft.irfft(room, _LENGTH)[: _LENGTH - _WINDOW])
    delay = int(np.argmax(response))
    return (room, delay) if response[delay] > _CLEAR * np.sqrt(np.mean(response**2)) else None


def _shift(then: _Look, now: _Look) -> float | None:
    """By how many seconds `now` is later than `then`; None where the two are not the same room."""
    if abs(now.delay - then.delay) > _FARTHEST:
        return None
    both = np.concatenate((now.room * np.conj(then.room), np.zeros(_LENGTH // 2)))  # twice the samples
    correlation = np.fft.irfft(both, 2 * _LENGTH)
    most = 2 * _FARTHEST
    around = np.concatenate((correlation[-most:], correlation[: most + 1]))
    top = int(np.argmax(around))
    if not 0 < top < 2 * most or around[top] < _ALIKE * np.sqrt(np.mean(around**2)):
        return None
    before, peak, after = around[top - 1 : top + 2]
    between = (before - after) / (2 * (before - 2 * peak + after))
    return float((top - most + between) / (2 * _RATE))
