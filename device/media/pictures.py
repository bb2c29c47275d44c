"""Pictures into the shared-memory rings, from which the screen takes them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np

from messaging.frames import RingWriter

MAX_WIDTH, MAX_HEIGHT = 1920, 1080
_I420 = frozenset({"yuv420p", "yuvj420p"})


class PictureRing:
    """One ring; takes any decoded picture, makes it I420 with even sides and no larger than 1920x1080."""

    def __init__(self, path: Path, max_width: int = MAX_WIDTH, max_height: int = MAX_HEIGHT) -> None:
        self._limits = (max_width, max_height)
        self._ring = RingWriter(path, max_width, max_height)

    def show(self, frame: av.VideoFrame, captured: float) -> None:
        """Write a picture; `captured` in Unix seconds."""
        width, height = fit(frame.width, frame.height, *self._limits)
        if (width, height) != (frame.width & ~1, frame.height & ~1) or frame.format.name not in _I420:
            frame = frame.reformat(width, height, "yuv420p", interpolation="FAST_BILINEAR", threads=1)
        self._ring.write(width, height, int(captured * 1e6), planes(frame, width, height))

    def close(self) -> None:
        """Remove the ring."""
        self._ring.close()


def fit(width: int, height: int, max_width: int, max_height: int) -> tuple[int, int]:
    """The largest even sides of (nearly) the same shape within the limits; never enlarged, never under 2."""
    scale = min(1.0, max_width / width, max_height / height)
    return max(2, int(width * scale) & ~1), max(2, int(height * scale) & ~1)


def planes(frame: av.VideoFrame, width: int, height: int) -> Iterator[memoryview]:
    """The planes of an I420 picture without their padding, cropped to width x height (both even)."""
    sides = ((width, height), (width // 2, height // 2), (width // 2, height // 2))
    for plane, (across, down) in zip(frame.planes, sides, strict=True):
        if plane.line_size == across:
            yield memoryview(plane)[: across * down]
        else:
            rows = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
            yield np.ascontiguousarray(rows[:down, :across]).data
