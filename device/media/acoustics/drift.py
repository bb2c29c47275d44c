"""How fast the echo moves: two crystals that differ, heard in the room itself.

A sound server hides from the counted streams that speaker and microphone have a crystal each, and what it does not hide
takes `far_end.py` ten seconds to be sure of. The echo tells it in three: what the room does to the clinician's sound
(a transfer function over 1.5 s) is the same a few seconds later, only shifted. A canceller that follows such a shift by
itself moves its filter by 4 ms now and then, and learns anew for a second and a half each time.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace

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
_ENOUGH, _KEPT = 4, 8  # looks that are compared
_APART_S = 2.0  # at least, between two looks that are compared
_OLD_S = 30.0
_ASTRAY_S = 60e-6  # from the line through all: half a sample
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
    late_s: float = 0.0  # than the first that it was compared with


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
        known = self._looks[0] if self._looks else now
        shift = _shift(known, now)
        if shift is not None:
            self._looks.append(replace(now, late_s=known.late_s + shift))
            self._other = None
            self._judge()
        elif self._other is not None and (shift := _shift(self._other, now)) is not None:
            self._looks.clear()
            self._looks.extend((self._other, replace(now, late_s=shift)))
            self._other = None
        else:
            self._other = now

    def _judge(self) -> None:
        if len(self._looks) < _ENOUGH:
            return
        at = np.array([look.at_s for look in self._looks])
        # What was left out of the clinician's sound makes the echo come later by as much.
        late = np.array([look.late_s - look.given / 48_000 for look in self._looks])
        apart, later = np.subtract.outer(at, at), np.subtract.outer(late, late)
        slope = float(np.median(later[apart >= _APART_S] / apart[apart >= _APART_S]))
        off = late - slope * at
        ppm = slope * 1e6
        # One look that was wrong moves no median; with two of them the next must tell.
        if np.sort(np.abs(off - np.median(off)))[-2] < _ASTRAY_S and abs(ppm) <= MOST_PPM:
            self.ppm = ppm if abs(ppm) > SURE_PPM else 0.0


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
