"""Cutting a part out of a picture."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.hardware.ports import NARROWEST, WHOLE, Crop, Frame
from device.media.viewing.crop import cut, shrunk

any_crop = st.builds(Crop, st.floats(-2, 3), st.floats(-2, 3), st.floats(-1, 3))


def picture(width: int = 640, height: int = 360) -> Frame:
    """Luma that rises to the right, one chroma that rises downwards, one that is even."""
    i420 = np.full((height * 3 // 2, width), 128, np.uint8)
    i420[:height] = np.linspace(20, 220, width).astype(np.uint8)
    chroma = i420[height:].reshape(2, height // 2, width // 2)
    chroma[0] = np.linspace(60, 200, height // 2).astype(np.uint8)[:, np.newaxis]
    return Frame(i420, width, height, 7.5)


def luma(frame: Frame) -> np.ndarray:
    return frame.i420[: frame.height]


def test_the_whole_picture_is_not_copied() -> None:
    frame = picture()
    assert cut(frame, WHOLE, 320, 180) is frame


def test_the_left_half_shows_what_is_on_the_left_at_half_the_size() -> None:
    part = cut(picture(), Crop(0.25, 0.5, 0.5), 640, 360)
    assert (part.width, part.height) == (320, 180)
    assert luma(part)[0, 0] == pytest.approx(20, abs=2)
    assert luma(part)[0, -1] == pytest.approx(120, abs=2)
    assert part.captured == 7.5


def test_colours_come_from_the_same_place() -> None:
    part = cut(picture(), Crop(0.5, 0.25, 0.5), 640, 360)
    blue, red = part.i420[part.height :].reshape(2, part.height // 2, part.width // 2)
    assert blue[0].mean() == pytest.approx(60, abs=3)
    assert blue[-1].mean() == pytest.approx(130, abs=3)
    assert (red == 128).all()


@pytest.mark.parametrize(("width", "height"), [(640, 360), (640, 480), (1280, 720), (322, 242)])
@given(crop=any_crop, ask=st.tuples(st.integers(160, 2000), st.integers(90, 1200)))
def test_whatever_is_asked_for_the_part_is_a_picture_that_fits(
    width: int, height: int, crop: Crop, ask: tuple[int, int]
) -> None:
    frame = picture(width, height)
    part = cut(frame, crop, *ask)
    if part is frame:
        return
    assert part.width % 2 == 0
    assert part.height % 2 == 0
    assert part.i420.shape == (part.height * 3 // 2, part.width)
    assert part.width <= max(2, min(ask[0], width) + 1)
    assert part.width / part.height == pytest.approx(width / height, rel=0.1)
    assert part.i420.flags.c_contiguous


@given(any_crop)
def test_a_crop_brought_inside_lies_in_the_picture(crop: Crop) -> None:
    inside = crop.inside()
    assert NARROWEST <= inside.size <= 1
    assert inside.x - inside.size / 2 >= -1e-9
    assert inside.x + inside.size / 2 <= 1 + 1e-9
    assert inside.y - inside.size / 2 >= -1e-9
    assert inside.y + inside.size / 2 <= 1 + 1e-9
    assert inside.inside() == inside


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0.2, 0.95))
def test_panning_keeps_the_size_so_that_the_encoder_needs_no_key_frame(x: float, y: float, size: float) -> None:
    frame = picture()
    one, other = cut(frame, Crop(0.5, 0.5, size), 640, 360), cut(frame, Crop(x, y, size), 640, 360)
    assert (one.width, one.height) == (other.width, other.height)


def test_going_closer_takes_few_sizes_and_enlarges_little() -> None:
    frame = picture(1280, 720)
    sizes = [cut(frame, Crop(size=1 - step / 100), 1280, 720).width for step in range(1, 80)]
    assert len(set(sizes)) <= 4
    assert sizes == sorted(sizes, reverse=True)
    assert all(width <= 1.36 * 1280 * (1 - step / 100) for step, width in enumerate(sizes[:60], 1))


def test_a_picture_is_shrunk_whole() -> None:
    small = shrunk(picture(), 320, 180)
    assert (small.width, small.height, small.i420.shape) == (320, 180, (270, 320))
    assert luma(small)[0, -1] == pytest.approx(220, abs=3)
