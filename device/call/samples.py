"""What a call is like, second by second: counters as they are read, and what a second was, as the difference of two.

Pure. Whatever the counters say (a peer that was made anew, a clock that stood, nonsense), a `Second` is finite and
within bounds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from messaging.quality import Codec, Path

MOST_KBPS = 1e6
MOST_FPS = 240.0
MOST_RTT_S = 60.0
MOST_MS = 6e4
MOST_COUNT = 1e6
MOST_SKEW_MS = 1e4
MOST_PIXELS = 16384
LEAST_S = 0.1
LONGEST_S = 60.0  # no second is longer or shorter, though a process may have slept


@dataclass(frozen=True)
class Sent:
    """What the station sends: counters since the peer began, and how it is now.

    `loss` (0 to 1) and `rtt_s` are what the other side last reported, `room_kbps` what may be sent of pictures.
    """

    sound_bytes: float = 0
    picture_bytes: float = 0
    pictures: float = 0
    loss: float = 0.0
    width: float = 0
    height: float = 0
    room_kbps: float | None = None
    rtt_s: float | None = None


@dataclass(frozen=True)
class Received:
    """What the station receives: counters since the peer began, and the size of the pictures now."""

    sound_bytes: float = 0
    picture_bytes: float = 0
    pictures: float = 0
    packets: float = 0  # of pictures, expected
    lost: float = 0  # of these, on their first way
    freezes: float = 0
    freeze_s: float = 0.0
    width: float = 0
    height: float = 0


@dataclass(frozen=True)
class Heard:
    """The clinician's sound: counters since the process began, and the delay now."""

    packets: float = 0  # that came
    lost: float = 0  # that were not there when they were due
    repaired: float = 0
    concealed_ms: float = 0
    unheard_ms: float = 0
    delay_ms: float = 0.0
    skew_ms: float | None = None  # by how much what is heard is behind what is seen


@dataclass(frozen=True)
class Sample:
    """Everything, at one moment, of the peer connection that carries the call."""

    generation: int
    sent: Sent = field(default_factory=Sent)
    received: Received = field(default_factory=Received)
    heard: Heard = field(default_factory=Heard)
    path: Path | None = None
    codec: Codec | None = None


@dataclass(frozen=True)
class Flow:
    """One direction in one second; `loss` and `frozen` are shares (0 to 1)."""

    sound_kbps: float = 0.0
    picture_kbps: float = 0.0
    loss: float = 0.0
    fps: float = 0.0
    width: int = 0
    height: int = 0
    pictured: bool = True  # pictures should have come: a camera was on
    frozen: float = 0.0
    freezes: int = 0
    room_kbps: float | None = None


@dataclass(frozen=True)
class Second:
    """What about a second was like; `seconds` is how long it truly was."""

    seconds: float
    out: Flow = field(default_factory=Flow)
    into: Flow = field(default_factory=Flow)
    rtt_s: float | None = None
    sound_lost: int = 0
    sound_repaired: int = 0
    concealed_ms: float = 0.0
    unheard_ms: float = 0.0
    delay_ms: float = 0.0
    skew_ms: float | None = None
    line_lost: bool = False

    @property
    def missing(self) -> float:
        """The share of the sound received that was made up, or silence."""
        return min(1.0, (self.concealed_ms + self.unheard_ms) / 1000 / self.seconds)


@dataclass(frozen=True)
class Cameras:
    """Which of the two cameras are on."""

    own: bool = True
    other: bool = True


def without_line(seconds: float) -> Second:
    """So long there was no line."""
    return Second(_length(seconds), line_lost=True)


def difference(before: Sample, now: Sample, seconds: float, cameras: Cameras) -> Second:
    """What it was like between two samples; the counters of a peer that was made since begin at nought."""
    length = _length(seconds)
    same = before.generation == now.generation
    old_sent, old_received = (before.sent, before.received) if same else (Sent(), Received())
    return Second(
        length,
        _out(old_sent, now.sent, length, cameras.own),
        _into(old_received, now.received, before.heard, now.heard, length, cameras.other),
        None if now.sent.rtt_s is None else bounded(now.sent.rtt_s, MOST_RTT_S),
        int(grown(before.heard.lost, now.heard.lost)),
        int(grown(before.heard.repaired, now.heard.repaired)),
        min(grown(before.heard.concealed_ms, now.heard.concealed_ms), MOST_MS),
        min(grown(before.heard.unheard_ms, now.heard.unheard_ms), MOST_MS),
        bounded(now.heard.delay_ms, MOST_MS),
        _skew(now.heard.skew_ms, cameras.other),
    )


def bounded(value: float, most: float) -> float:
    """The number, between nought and `most`; nought for what is no number."""
    return min(max(value, 0.0), most) if math.isfinite(value) else 0.0


def grown(before: float, now: float) -> float:
    """By how much a counter has grown; nought if it has not."""
    return bounded(bounded(now, 1e18) - bounded(before, 1e18), 1e9)


def _skew(skew_ms: float | None, pictured: bool) -> float | None:
    """None for what cannot be: the reports of two streams that do not belong together, or no picture to be late for."""
    if skew_ms is None or not pictured or not abs(skew_ms) <= MOST_SKEW_MS:
        return None
    return skew_ms


def _length(seconds: float) -> float:
    return max(LEAST_S, bounded(seconds, LONGEST_S))


def _out(before: Sent, now: Sent, seconds: float, pictured: bool) -> Flow:
    return Flow(
        _kbps(before.sound_bytes, now.sound_bytes, seconds),
        _kbps(before.picture_bytes, now.picture_bytes, seconds),
        bounded(now.loss, 1.0),
        min(grown(before.pictures, now.pictures) / seconds, MOST_FPS),
        int(bounded(now.width, MOST_PIXELS)),
        int(bounded(now.height, MOST_PIXELS)),
        pictured,
        room_kbps=None if now.room_kbps is None else bounded(now.room_kbps, MOST_KBPS),
    )


def _into(before: Received, now: Received, heard: Heard, hears: Heard, seconds: float, pictured: bool) -> Flow:
    sound_lost = grown(heard.lost, hears.lost)
    lost = grown(before.lost, now.lost) + sound_lost
    expected = grown(before.packets, now.packets) + grown(heard.packets, hears.packets) + sound_lost
    return Flow(
        _kbps(before.sound_bytes, now.sound_bytes, seconds),
        _kbps(before.picture_bytes, now.picture_bytes, seconds),
        min(1.0, lost / expected) if expected else 0.0,
        min(grown(before.pictures, now.pictures) / seconds, MOST_FPS),
        int(bounded(now.width, MOST_PIXELS)),
        int(bounded(now.height, MOST_PIXELS)),
        pictured,
        min(1.0, grown(before.freeze_s, now.freeze_s) / seconds),
        int(min(grown(before.freezes, now.freezes), MOST_COUNT)),
    )


def _kbps(before: float, now: float, seconds: float) -> float:
    return min(grown(before, now) * 8 / 1000 / seconds, MOST_KBPS)
