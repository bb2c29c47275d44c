"""What one call was like, in numbers and a few words: an allow-list, as `messaging.health` is.

`CallQuality` goes to `up/m/call` when a call has ended. It carries the call's id, which the region knows from the
call's signalling and by which it says it once, and belongs to a clinic and a week; nothing else in it names anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from messaging.codec import Length, Range
from messaging.times import UnixTime

Grade = Literal["good", "fair", "poor"]
Heading = Literal["out", "in"]  # seen from the station: what it sends, what it receives
# Why a direction is not good; `none` when it is.
Reason = Literal["none", "sound", "loss", "delay", "narrow", "picture"]
Path = Literal["direct", "relay"]
Codec = Literal["H264", "VP8"]
Encoder = Literal["x264", "h264_v4l2m2m", "picamera2", "other"]

Kbps = Annotated[float, Range(0, 1e6)]
Share = Annotated[float, Range(0, 1)]
Seconds = Annotated[float, Range(0, 1e7)]
Millis = Annotated[float, Range(0, 1e10)]
Milliseconds = Annotated[float, Range(0, 1e5)]
Rate = Annotated[float, Range(0, 240)]
Pixels = Annotated[int, Range(0, 16384)]
Count = Annotated[int, Range(0, 2**53)]


@dataclass(frozen=True)
class WayQuality:
    """One direction, over the seconds in which there was a line. Bitrates and frame rate are means.

    `loss` is the mean share of packets lost on their first way, `loss_p95` that of the 95th of a hundred seconds. The
    size is the one that was there for longest. `freezes` and `freeze_s` are known of what the station receives.
    """

    sound_kbps: Kbps
    picture_kbps: Kbps
    loss: Share
    loss_p95: Share
    fps: Rate
    width: Pixels
    height: Pixels
    good_s: Seconds
    fair_s: Seconds
    poor_s: Seconds
    freezes: Count = 0
    freeze_s: Seconds = 0.0


@dataclass(frozen=True)
class SoundQuality:
    """The clinician's sound as the resident heard it.

    `delay_ms` is what was waited for late packets, and `skew_ms` by how much what was heard was behind what was seen
    (less than nought: ahead of it), both in the mean.
    """

    lost: Count  # packets that were not there when they were due
    repaired: Count  # of these: heard all the same
    concealed_ms: Millis  # made up
    unheard_ms: Millis  # silence in its place
    delay_ms: Milliseconds
    skew_ms: Annotated[float, Range(-1e4, 1e4)] | None = None


@dataclass(frozen=True)
class WorstQuality:
    """The ten seconds that were the hardest to bear, by `badness` (device.call.statistics): 0 well, 10 no line."""

    badness: Annotated[float, Range(0, 10)]
    began_s: Seconds  # after the two first met
    lost_s: Seconds  # without a line
    out_loss: Share
    in_loss: Share
    out_kbps: Kbps
    in_kbps: Kbps
    out_fps: Rate
    in_fps: Rate
    freeze_s: Seconds
    missing_ms: Millis  # of sound received: made up, or silence
    rtt_ms: Milliseconds | None = None


@dataclass(frozen=True)
class CallQuality:
    """On `up/m/call`, once for each call in which the two have met."""

    call: Annotated[str, Length(32)]
    at: UnixTime  # Unix seconds: when it ended
    seconds: Seconds  # since the two first met
    grade: Grade  # the worst that held for a tenth of the call or more, in either direction
    resumes: Count  # how often the line was lost and found again
    lost_s: Seconds  # without a line
    out: WayQuality
    into: WayQuality
    sound: SoundQuality
    connect_s: Seconds | None = None  # from when both had agreed until they met
    rtt_ms: Milliseconds | None = None  # the mean
    rtt_p95_ms: Milliseconds | None = None
    path: Path | None = None  # the last
    codec: Codec | None = None
    encoder: Encoder = "other"
    worst: WorstQuality | None = None
