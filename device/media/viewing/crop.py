"""A part of a picture: which, and cutting it out."""

from __future__ import annotations

import cv2
import numpy as np

from device.hardware.ports import WHOLE, Crop, Frame

_SIZES = (1.0, 0.75, 0.5, 0.25)  # of the size asked for: few, because each change costs a key frame
_NEARLY_ALL = 0.99
_ENLARGED = 1.34  # at most; a little is cheaper than another size


def cut(frame: Frame, crop: Crop, width: int, height: int) -> Frame:
    """The part of an I420 picture, in one of a few sizes, none over `width` x `height`; sides are even.

    The same crop and size give the same size of picture whatever the middle, so that panning costs no key frame.
    """
    part = within(frame.part, crop)
    if part == WHOLE:
        return frame
    wide, tall = _even(frame.width * part.size), _even(frame.height * part.size)
    left = min(frame.width - wide, _even(frame.width * (part.x - part.size / 2), least=0))
    top = min(frame.height - tall, _even(frame.height * (part.y - part.size / 2), least=0))
    out = _size(frame, part, width, height)
    return Frame(_resized(frame, (left, top, wide, tall), out), out[0], out[1], frame.captured, crop)


def within(shown: Crop, wanted: Crop) -> Crop:
    """The part to cut out of a picture that shows `shown`; WHOLE if there is hardly anything to cut off."""
    wanted = wanted.inside()
    if wanted == shown:
        return WHOLE
    left, top = shown.x - shown.size / 2, shown.y - shown.size / 2
    size = min(1.0, wanted.size / shown.size)
    if size > _NEARLY_ALL:
        return WHOLE
    half = size / 2
    x, y = (wanted.x - left) / shown.size, (wanted.y - top) / shown.size
    return Crop(min(1 - half, max(half, x)), min(1 - half, max(half, y)), size)


def shrunk(frame: Frame, width: int, height: int) -> Frame:
    """The whole picture in this size, which has its shape; both even."""
    whole = (0, 0, frame.width, frame.height)
    return Frame(_resized(frame, whole, (width, height)), width, height, frame.captured)


def _size(frame: Frame, crop: Crop, width: int, height: int) -> tuple[int, int]:
    fit = min(width / frame.width, height / frame.height, 1.0)
    step = next((s for s in reversed(_SIZES) if fit * s * _ENLARGED >= min(fit, crop.size)), _SIZES[0])
    return _even(frame.width * fit * step), _even(frame.height * fit * step)


def _resized(
    frame: Frame, box: tuple[int, int, int, int], out: tuple[int, int]
) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    left, top, wide, tall = box
    width, height = out
    planes = np.empty((height * 3 // 2, width), np.uint8)
    luma, chroma = planes[:height], planes[height:].reshape(2, height // 2, width // 2)
    how = cv2.INTER_AREA if wide > width else cv2.INTER_LINEAR
    cv2.resize(frame.i420[top : top + tall, left : left + wide], out, dst=luma, interpolation=how)
    colours = frame.i420[frame.height :].reshape(2, frame.height // 2, frame.width // 2)
    for source, target in zip(colours, chroma, strict=True):
        part = source[top // 2 : (top + tall) // 2, left // 2 : (left + wide) // 2]
        cv2.resize(part, (width // 2, height // 2), dst=target, interpolation=how)
    return planes


def _even(length: float, least: int = 2) -> int:
    return max(least, round(length) & ~1)
