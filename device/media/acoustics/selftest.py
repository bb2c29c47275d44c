"""The acoustic self-test: what is played, what is noted meanwhile, and what it tells. No sound outlives the test.

Two chirps tell the delay and how loud the speaker is in the room. A chirp is a sweep whose pitch rises as evenly as a
scale, softly, so that it tells all of speech's band in less than a second and pleases the ear. A canceller learns
nothing true from one tone at a time, so a soft brush follows, noise that swells as often as syllables do: of its end it
is told how much is left.
"""

from __future__ import annotations

import math
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from device.hardware.ports import BLOCK, SAMPLE_RATE, Block
from messaging.clock import Clock

CHIRPS = 2
_CHIRP_S = 0.8
_PAUSE_S = 0.7  # the longest delay there is, and the room falling silent
_LEAD_S = 0.6  # before the first: the devices settle, and the room's own noise is heard
_FROM_HZ, _TO_HZ = 250.0, 5000.0
_LEVEL = 0.25  # of full scale
_BRUSH_S = 3.0  # whole syllables
# Of the brush, before what is left of it is judged: of ten times one the chirps lead the canceller to a delay that is
# not the echo's, and it takes a second to find that out.
_LEARNT_S = 2.0
_SYLLABLES_HZ = 4
_CLEAR = 6.0  # how far the echo stands out of what correlates by chance
_ALIKE = 0.08  # correlation with the chirp, of 1: noise has 0.02, a chirp in a hard room or much noise 0.2
_SAME_MS = 25.0  # two chirps that were both heard took the same time, but for the threads'
_OVER_NOISE_DB = 10.0  # the echo must be louder than the noise by so much before what is left of it can be told

_LOOK_S = 0.05

SECONDS = _LEAD_S + CHIRPS * (_CHIRP_S + _PAUSE_S) + _BRUSH_S + _PAUSE_S
_BRUSH_AFTER = round((_CHIRP_S + _PAUSE_S) * SAMPLE_RATE)  # samples from the last chirp's beginning
Sound = NDArray[np.int16]


@dataclass(frozen=True)
class Hearing:
    """What came of a test. `raw` as the microphone heard it, `clean` as it would have been sent, of one length;
    `starts` the samples at which the microphone was when each chirp was given to the speaker."""

    raw: Sound
    clean: Sound
    starts: tuple[int, ...]


@dataclass(frozen=True)
class Finding:
    """What it tells, as `messaging.health.SoundTest` has it."""

    heard: bool
    noise_db: float | None = None
    delay_ms: float | None = None
    echo_db: float | None = None
    left_db: float | None = None


class Trial:
    """One test under way: `blocks` for the speaker's thread, `hear` for the microphone's. Ends when all was heard."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._raw: list[Block] = []
        self._clean: list[Block] = []
        self._arrived: list[float] = []
        self._given: list[float] = []
        self._most = round((SECONDS + 1) * SAMPLE_RATE / BLOCK)
        self._done = threading.Event()
        self.stopped = False

    async def ended(self, clock: Clock, within_s: float) -> None:
        """Return when all was played and heard, when it was stopped, or when the time is up."""
        until = clock.monotonic() + within_s
        while not self._done.is_set() and clock.monotonic() < until:
            await clock.sleep(_LOOK_S)

    def stop(self) -> None:
        """Give up."""
        self.stopped = True
        self._done.set()

    def blocks(self) -> Iterator[Block]:
        """What to play, once."""
        lead, pause = (
            np.zeros(round(seconds * SAMPLE_RATE / BLOCK) * BLOCK, np.int16) for seconds in (_LEAD_S, _PAUSE_S)
        )
        yield from lead.reshape(-1, BLOCK)
        for _ in range(CHIRPS):
            self._given.append(self._monotonic())
            yield from chirp().reshape(-1, BLOCK)
            yield from pause.reshape(-1, BLOCK)
        yield from brush().reshape(-1, BLOCK)
        yield from pause.reshape(-1, BLOCK)
        self._done.set()

    def hear(self, raw: Block, clean: Block) -> None:
        """10 ms of the microphone."""
        if len(self._raw) < self._most:
            self._arrived.append(self._monotonic())
            self._raw.append(raw)
            self._clean.append(clean)

    def hearing(self) -> Hearing | None:
        """What has been heard; None if the microphone gave nothing or the speaker took nothing."""
        if not self._raw or not self._given:
            return None
        # The median over all blocks: single ones come late.
        begun = statistics.median(at - (n + 1) * BLOCK / SAMPLE_RATE for n, at in enumerate(self._arrived))
        starts = tuple(round((at - begun) * SAMPLE_RATE) for at in self._given)
        return Hearing(np.concatenate(self._raw), np.concatenate(self._clean), starts)


def chirp() -> Sound:
    """The chirp, whole blocks."""
    count = round(_CHIRP_S * SAMPLE_RATE / BLOCK) * BLOCK
    at = np.arange(count) / count
    octaves = math.log(_TO_HZ / _FROM_HZ)
    turns = _FROM_HZ * _CHIRP_S / octaves * (np.exp(at * octaves) - 1)
    # In and out over 60 ms, so that nothing clicks.
    shape = np.sin(np.pi / 2 * np.clip(np.minimum(at, 1 - at) * _CHIRP_S / 0.06, 0, 1)) ** 2
    return np.asarray(np.sin(2 * np.pi * turns) * shape * _LEVEL * 32767, np.int16)


def brush() -> Sound:
    """The brush, whole blocks; the same every time."""
    count = round(_BRUSH_S * SAMPLE_RATE / BLOCK) * BLOCK
    noise = np.convolve(np.random.default_rng(4).normal(0, 1, count), np.hanning(10) / np.hanning(10).sum(), "same")
    swell = np.sin(np.pi * _SYLLABLES_HZ * np.arange(count) / SAMPLE_RATE) ** 2
    return np.asarray(np.clip(noise / 4 / noise.std(), -1, 1) * swell * _LEVEL * 32767, np.int16)


def judge(hearing: Hearing) -> Finding:
    """What a hearing tells. Any sound will do: what tells nothing gives `heard=False`."""
    first = hearing.starts[0] if hearing.starts else 0
    lead = hearing.raw[max(0, first - round(_LEAD_S * 0.8 * SAMPLE_RATE)) : max(0, first)]
    noise = _power(lead) if len(lead) >= BLOCK else None
    noise_db = None if noise is None else _db(noise, 1.0)
    found = [delay for start in hearing.starts if (delay := find(hearing.raw, start)) is not None]
    usual = statistics.median(found) if found else 0.0
    agree = [delay for delay in found if abs(delay - usual) <= _SAME_MS * SAMPLE_RATE / 1000]
    if len(agree) < 2:
        return Finding(heard=False, noise_db=noise_db)
    begin = hearing.starts[-1] + round(statistics.median(agree))
    echo = max(_power(hearing.raw[begin : begin + len(chirp())]) - (noise or 0.0), 0.0)
    learnt = slice(begin + _BRUSH_AFTER + round(_LEARNT_S * SAMPLE_RATE), begin + _BRUSH_AFTER + len(brush()))
    raw, clean = _power(hearing.raw[learnt]), _power(hearing.clean[learnt])
    told = raw > (noise or 0.0) * 10 ** (_OVER_NOISE_DB / 10)
    return Finding(
        heard=True,
        noise_db=noise_db,
        delay_ms=round(statistics.median(agree) * 1000 / SAMPLE_RATE, 1),
        echo_db=_db(echo, _power(chirp())),
        left_db=_db(clean, raw) if told else None,
    )


def find(sound: Sound, start: int) -> int | None:
    """How many samples after `start` the chirp begins in this sound; None if it is not in it."""
    probe = chirp().astype(np.float64)
    part = sound[max(0, start) : max(0, start) + len(probe) + round(_PAUSE_S * SAMPLE_RATE)].astype(np.float64)
    if len(part) < len(probe):
        return None
    size = 1 << (len(part) + len(probe)).bit_length()
    # Correlated, each frequency counting alike: the answer is a sharp peak whatever the loudspeaker's colour.
    spectrum = np.fft.rfft(probe, size)
    power = np.abs(spectrum) ** 2
    matched = np.fft.rfft(part, size) * np.conj(spectrum) / (power + 0.01 * power.max())
    likeness = np.abs(np.fft.irfft(matched, size)[: len(part) - len(probe) + 1])
    peak = int(np.argmax(likeness))
    chance = float(np.sqrt(np.mean(likeness**2)))
    there = part[peak : peak + len(probe)]
    alike = abs(float(there @ probe)) / (float(np.linalg.norm(there) * np.linalg.norm(probe)) or 1.0)
    return peak if likeness[peak] > _CLEAR * chance and alike > _ALIKE else None


def _power(sound: Sound) -> float:
    """Of a full-scale square wave: 1."""
    return float(np.mean(np.square(sound / 32768.0))) if len(sound) else 0.0


def _db(power: float, reference: float) -> float:
    return round(10 * math.log10(max(power, 1e-12) / max(reference, 1e-12)), 1)
