"""Decoded pictures into the ring: the right pixels, whatever their padding and size."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.media.pictures import PictureRing, fit
from messaging.frames import Picture, RingReader, plane_sizes


def picture(width: int, height: int) -> av.VideoFrame:
    """A picture whose luma tells each pixel's column and whose chroma planes differ."""
    frame = av.VideoFrame(width, height, "yuv420p")
    for plane, value in zip(frame.planes, (None, 60, 200), strict=True):
        rows = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size).copy()
        rows[:] = np.arange(plane.line_size) % 200 if value is None else value
        plane.update(rows.tobytes())
    return frame


def shown(path: Path, frame: av.VideoFrame, limits: tuple[int, int] = (1920, 1080)) -> Picture:
    ring, reader = PictureRing(path / "r", *limits), RingReader(path / "r")
    try:
        ring.show(frame, 1.5)
        seen = reader.read()
        assert seen is not None
        return seen
    finally:
        ring.close()
        reader.close()


@pytest.mark.parametrize(("width", "height"), [(640, 480), (1280, 720), (322, 242), (646, 362), (18, 10)])
def test_padding_is_left_out(tmp_path: Path, width: int, height: int) -> None:
    seen = shown(tmp_path, picture(width, height))
    luma, blue, _ = plane_sizes(width, height)
    assert (seen.width, seen.height, seen.captured_us) == (width, height, 1_500_000)
    assert seen.planes[:width] == bytes(i % 200 for i in range(width))
    assert set(seen.planes[luma : luma + blue]) == {60}
    assert set(seen.planes[luma + blue :]) == {200}


def test_odd_sides_are_cropped(tmp_path: Path) -> None:
    seen = shown(tmp_path, picture(321, 241))
    assert (seen.width, seen.height) == (320, 240)
    assert seen.planes[:320] == bytes(i % 200 for i in range(320))


def test_what_is_larger_than_the_ring_is_made_smaller_in_the_same_shape(tmp_path: Path) -> None:
    seen = shown(tmp_path, picture(1280, 720), limits=(320, 240))
    assert (seen.width, seen.height) == (320, 180)


def test_other_pixel_formats_are_converted(tmp_path: Path) -> None:
    frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 255, np.uint8), "rgb24")
    seen = shown(tmp_path, frame)
    assert min(seen.planes[: 64 * 48]) > 220


@given(st.integers(1, 8000), st.integers(1, 8000))
def test_fitted_sides_are_even_within_the_limits_and_keep_the_shape(width: int, height: int) -> None:
    across, down = fit(width, height, 1920, 1080)
    assert across % 2 == down % 2 == 0
    assert 2 <= across <= 1920
    assert 2 <= down <= 1080
    assert across <= max(2, width)
    if min(across, down) > 50:
        assert across / down == pytest.approx(width / height, rel=0.05)
