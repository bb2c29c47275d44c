"""A sender of Opus, a line and a speaker, in simulated time: what of sent speech is heard, and how well."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray
from opuslib_next import Encoder

from device.hardware.ports import SAMPLE_RATE
from device.hardware.sim.speech import speech
from device.media.playout import Playout, SoundFigures

FRAME = 960  # samples of a packet: 20 ms
FRAME_S = FRAME / SAMPLE_RATE


@dataclass(frozen=True)
class Sent:
    """One packet on its way: when it was sent and when it comes (None: never), by the station's clock."""

    number: int
    timestamp: int
    data: bytes
    sent: float
    comes: float | None


@cache
def encoded(
    seconds: int, fec: bool = True, dtx: bool = False, pause: tuple[float, float] = (0, 0)
) -> tuple[bytes, ...]:
    """The simulated station's speech as Opus packets of 20 ms at 32 kbit/s, silent in `pause` (from, to, seconds)."""
    encoder = Encoder(SAMPLE_RATE, 1, "voip")
    encoder.bitrate = 32_000
    encoder.inband_fec = int(fec)
    encoder.packet_loss_perc = 10 if fec else 0
    encoder.dtx = int(dtx)
    sound = said(seconds, pause)
    return tuple(encoder.encode(sound[at : at + FRAME].tobytes(), FRAME) for at in range(0, len(sound), FRAME))


def said(seconds: int, pause: tuple[float, float] = (0, 0)) -> NDArray[np.int16]:
    """What is sent."""
    sound = np.resize(speech(), seconds * SAMPLE_RATE)
    sound[round(pause[0] * SAMPLE_RATE) : round(pause[1] * SAMPLE_RATE)] = 0
    return sound


def sent(
    packets: Iterable[bytes], drift: float = 0.0, first: int = 65_500, start: int = (1 << 32) - 48_000
) -> list[Sent]:
    """Packets every 20 ms of a sender whose clock is `drift` (1e-6: a millionth) too quick; they come at once."""
    return [
        Sent(
            (first + i) & 0xFFFF,
            (start + i * FRAME) % (1 << 32),
            data,
            i * FRAME_S / (1 + drift),
            i * FRAME_S / (1 + drift),
        )
        for i, data in enumerate(packets)
    ]


def lose(packets: list[Sent], share: float, seed: int = 1) -> list[Sent]:
    """Lose this share at random, but not the first."""
    dice = random.Random(seed)
    return [p if i == 0 or dice.random() >= share else replace(p, comes=None) for i, p in enumerate(packets)]


def delay(packets: list[Sent], by: Callable[[float], float]) -> list[Sent]:
    """Each comes later by what `by` says for the time it was sent at."""
    return [p if p.comes is None else replace(p, comes=p.comes + by(p.sent)) for p in packets]


def jittered(packets: list[Sent], seconds: float, jitter: float, seed: int = 2) -> list[Sent]:
    """Each comes `seconds` later, give or take `jitter`."""
    dice = random.Random(seed)
    return delay(packets, lambda _: seconds + dice.uniform(-jitter, jitter))


@dataclass
class Hearing:
    """A play-out buffer and its speaker."""

    now: float = 0.0
    playout: Playout = field(init=False)
    heard: list[NDArray[np.int16]] = field(default_factory=list)
    figures: list[SoundFigures] = field(default_factory=list)  # one a second

    def __post_init__(self) -> None:
        self.playout = Playout(lambda: self.now)

    def listen(self, packets: list[Sent], seconds: float, asks: Iterator[float] | None = None) -> NDArray[np.int16]:
        """Let the speaker ask for `seconds` of sound (every 10 ms, or when `asks` says) while the packets come."""
        coming = sorted((p for p in packets if p.comes is not None), key=lambda p: p.comes or 0.0)
        at, start, blocks = 0, self.now, []
        for block in range(round(seconds * 100)):
            ask = start + block * 0.01 if asks is None else next(asks)
            while at < len(coming) and (coming[at].comes or 0.0) <= ask:
                self.now = max(self.now, coming[at].comes or 0.0)
                self.playout.insert(coming[at].data, coming[at].number, coming[at].timestamp, 7)
                at += 1
            self.now = max(self.now, ask)
            blocks.append(self.playout.next_block())
            if block % 100 == 99:
                self.figures.append(self.playout.figures())
        self.heard += blocks
        return np.concatenate(blocks)


def intelligibility(sent_sound: NDArray[np.int16], heard: NDArray[np.int16], leave: float = 1.0) -> float:
    """STOI (0 to 1) of what was heard, moved to where it fits best, without the first `leave` seconds."""
    from pystoi import stoi  # slow to import, and few tests want it

    offset = lag(sent_sound, heard)
    skip = round(leave * SAMPLE_RATE)
    length = min(len(sent_sound), len(heard) - offset)
    return float(stoi(sent_sound[skip:length] / 32768, heard[skip + offset : length + offset] / 32768, SAMPLE_RATE))


def lag(sent_sound: NDArray[np.int16], heard: NDArray[np.int16], at_most: float = 1.0) -> int:
    """By how many samples `heard` comes after what was sent (0 to `at_most` seconds), on the whole."""
    size = 1 << (len(sent_sound) + len(heard)).bit_length()
    spectrum = np.fft.rfft(heard, size) * np.conj(np.fft.rfft(sent_sound, size))
    return int(np.argmax(np.fft.irfft(spectrum, size)[: round(at_most * SAMPLE_RATE)]))


def steepest(sound: NDArray[np.int16]) -> int:
    """The largest step between two samples: a click is a large one."""
    return int(np.max(np.abs(np.diff(sound.astype(int))))) if len(sound) > 1 else 0
