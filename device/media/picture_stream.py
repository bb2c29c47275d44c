"""One codec's stream of pictures: as many, as large and as fine as the thinnest line of all takers has room for."""

from __future__ import annotations

from typing import Any

import av

from device.hardware.ports import Frame
from device.media.encoders import TIME_BASE, MakeEncoder, VideoCodec, VideoEncoder, make_encoder, quantiser
from device.media.fanout import Fanout, Outlet
from device.media.pictures import fit
from device.media.rate import Budget, least
from device.media.rate.ladder import Step
from device.media.rate.sharpness import Sharpness, usual_quantiser

KEY_GAP_S = 0.3  # key frames are never closer than this, however often they are asked for: they are ten times as large
_EARLY = 0.3  # of the time between two pictures: a camera's pictures do not come to the millisecond


class PictureStream:
    """Used by the encoder's thread, save `want_key` and `want`; `whole` is what is sent to who wants nothing else."""

    def __init__(self, codec: VideoCodec, whole: Budget, make: MakeEncoder | None = None) -> None:
        self._make = make
        self._codec: VideoCodec = codec
        self._whole = self._budget = whole
        self._wishes: dict[Outlet, Budget] = {}
        self._encoder: VideoEncoder | None = None
        self._sharpness = Sharpness()
        self._last_pts = -1
        self._due = 0.0
        self._key_wanted = False
        self._key_allowed = 0.0
        self.fanout = Fanout()

    def begin(self) -> None:
        """The camera opens: it may come back with other pictures."""
        self._encoder = None

    def want_key(self) -> None:
        """Make the next picture a key frame."""
        self._key_wanted = True

    def want(self, outlet: Outlet, budget: Budget | None) -> None:
        """What this outlet's line has room for; None when the outlet is gone."""
        if budget is None:
            self._wishes.pop(outlet, None)
        else:
            self._wishes[outlet] = budget
        self._budget = least((*self._wishes.values(), self._whole)) or self._whole

    def is_due(self, now: float) -> bool:
        """Whether a picture of now is to be sent, or left out to keep the frame rate."""
        fps = self._step.fps
        pause = 1 / fps
        if fps < self._whole.fps and now < self._due - _EARLY * pause:
            return False
        self._due = (self._due if now < self._due + pause else now) + pause
        return True

    @property
    def size(self) -> tuple[int, int]:
        """What a picture may have of width and height."""
        step = self._step
        return step.width, step.height

    def encode(self, frame: Frame, now: float) -> list[av.Packet[Any]]:
        """The packets of this picture; CodecFailed if there can be none."""
        budget, step = self._budget, self._step
        if self._encoder is None:
            self._encoder = (self._make or make_encoder)(self._codec, self._whole.video_bps, self._whole.fps)
        self._encoder.set_rate(budget.video_bps, step.fps)
        picture = _scaled(frame, step.width, step.height)
        picture.time_base = TIME_BASE
        picture.pts = self._last_pts = max(self._last_pts + 1, round(now / TIME_BASE))
        key = self._key_wanted and now >= self._key_allowed
        if key:
            self._key_wanted, self._key_allowed = False, now + KEY_GAP_S
        packets = self._encoder.encode(picture, key)
        for packet in packets:
            if packet.is_keyframe:
                self._sharpness.key_frame(now)
            else:
                coarse = quantiser(packet)
                if coarse is None:
                    coarse = usual_quantiser(budget.video_bps / (picture.width * picture.height * step.fps))
                self._sharpness.encoded(coarse, now)
        return packets

    @property
    def _step(self) -> Step:
        budget = self._budget
        return self._sharpness.fit(budget.width, budget.height, budget.fps)


def as_picture(frame: Frame) -> av.VideoFrame:
    """The camera's picture without a copy."""
    return av.VideoFrame.from_numpy_buffer(frame.i420, "yuv420p")


def _scaled(frame: Frame, most_width: int, most_height: int) -> av.VideoFrame:
    picture = as_picture(frame)
    width, height = fit(frame.width, frame.height, most_width, most_height)
    if (width, height) == (frame.width, frame.height):
        return picture
    return picture.reformat(width, height, "yuv420p", interpolation="AREA", threads=1)
