"""What a V4L2 camera offers, asked of the kernel itself: OpenCV can set a format but not list them.

The structures are those of linux/videodev2.h, laid out alike on 32 and 64 bits: `v4l2_fmtdesc` (64 bytes),
`v4l2_frmsizeenum` (44) and `v4l2_frmivalenum` (52).
"""

from __future__ import annotations

import errno
import fcntl
import os
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from device.hardware.errors import DeviceFailed
from device.hardware.ports import CameraMode

MJPEG, YUYV = "MJPG", "YUYV"  # what we can read, the lighter on the bus first
READABLE = (MJPEG, YUYV)
_CAPTURE, _DISCRETE, _MOST = 1, 1, 256
_FORMAT, _SIZE, _INTERVAL = struct.Struct("=III32sI16x"), struct.Struct("=III6I8x"), struct.Struct("=IIIII6I8x")
_RAW_BYTES_S = 35_000_000  # of uncompressed pictures a USB 2 bus really carries for one camera


@dataclass(frozen=True)
class Offer:
    """One way a camera can give pictures: `fourcc` as V4L2 names it, `fps` the most it gives at that size."""

    fourcc: str
    width: int
    height: int
    fps: int


def choose(offers: list[Offer], mode: CameraMode) -> Offer | None:
    """The offer to open for a wanted mode; None if there is none that we can read.

    The nearest size that is no smaller, else the largest; then the rate, if one is quick enough; then raw pictures
    where the bus carries them, as they cost no decoding and lose nothing, else Motion JPEG.
    """
    readable = [offer for offer in offers if offer.fourcc in READABLE]
    if not readable:
        return None
    whole = [offer for offer in readable if offer.width >= mode.width and offer.height >= mode.height]
    if whole:
        pixels = min(offer.width * offer.height for offer in whole)
    else:
        whole = readable
        pixels = max(offer.width * offer.height for offer in whole)
    fitting = [offer for offer in whole if offer.width * offer.height == pixels]
    return max(fitting, key=lambda offer: (min(offer.fps, mode.fps), _carried(offer, mode), offer.fourcc == MJPEG))


def largest(offers: list[Offer]) -> Offer | None:
    """The most pixels, raw if there is a choice: a still is not in a hurry. None if there is none that we can read."""
    readable = [offer for offer in offers if offer.fourcc in READABLE]
    return max(readable, key=lambda offer: (offer.width * offer.height, offer.fourcc == YUYV), default=None)


def modes(offers: list[Offer]) -> tuple[CameraMode, ...]:
    """Sizes with their best rate, the most pixels first."""
    best: dict[tuple[int, int], int] = {}
    for offer in offers:
        if offer.fourcc in READABLE:
            size = offer.width, offer.height
            best[size] = max(best.get(size, 0), offer.fps)
    ordered = sorted(best, key=lambda size: (size[0] * size[1], size), reverse=True)
    return tuple(CameraMode(width, height, best[width, height]) for width, height in ordered)


def read_offers(path: str) -> list[Offer]:
    """Ask the camera at `path`; it may be in use by somebody. DeviceFailed if it cannot be asked."""
    try:
        handle = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise DeviceFailed(f"the camera {path} cannot be asked what it offers: {error.strerror}") from error
    try:
        return list_offers(lambda request, buffer: _ioctl(handle, request, buffer))
    finally:
        os.close(handle)


def list_offers(ask: Callable[[int, bytearray], bool]) -> list[Offer]:
    """All offers; `ask` fills a buffer for an ioctl request, False when the list has ended."""
    offers: list[Offer] = []
    for format_ in _each(ask, 2, _FORMAT, lambda index: _FORMAT.pack(index, _CAPTURE, 0, b"", 0)):
        pixel_format = format_[4]
        for size in _each(ask, 74, _SIZE, lambda index, code=pixel_format: _SIZE.pack(index, code, *[0] * 7)):  # type: ignore[misc]
            for width, height in _sizes(size):
                fps = _rate(ask, pixel_format, width, height)
                offers.append(Offer(fourcc(pixel_format), width, height, fps))
            if size[2] != _DISCRETE:
                break  # a range is told once
    return offers


def fourcc(code: int) -> str:
    """The four letters of a pixel format; what is no letter is a dot."""
    return "".join(chr(byte) if 32 <= byte < 127 else "." for byte in code.to_bytes(4, "little"))


def request(number: int, size: int) -> int:
    """The ioctl _IOWR('V', number, size)."""
    return 3 << 30 | size << 16 | ord("V") << 8 | number


def _each(
    ask: Callable[[int, bytearray], bool], number: int, layout: struct.Struct, first: Callable[[int], bytes]
) -> Iterator[tuple[int, ...]]:
    # A driver that never says that its list has ended would keep us here for ever.
    for index in range(_MOST):
        buffer = bytearray(first(index))
        if not ask(request(number, layout.size), buffer):
            return
        yield layout.unpack(buffer)


def _sizes(answer: tuple[int, ...]) -> list[tuple[int, int]]:
    """Of a list one size; of a range its largest and the common sizes within."""
    if answer[2] == _DISCRETE:
        return [(answer[3], answer[4])]
    least_width, most_width, _, least_height, most_height, _ = answer[3:9]
    common = [(1920, 1080), (1280, 720), (640, 480)]
    inside = [
        (width, height)
        for width, height in common
        if least_width <= width <= most_width and least_height <= height <= most_height
    ]
    return list(dict.fromkeys([(most_width, most_height), *inside]))


def _rate(ask: Callable[[int, bytearray], bool], code: int, width: int, height: int) -> int:
    """The most pictures a second; 0 where the driver does not tell. An interval of 1/30 s is a rate of 30."""
    best = 0
    for answer in _each(
        ask, 75, _INTERVAL, lambda index: _INTERVAL.pack(index, code, width, height, 0, *[0] * 6)
    ):  # fmt: skip
        seconds, parts = answer[5], answer[6]  # of a list each interval, of a range the shortest
        if seconds:
            best = max(best, round(parts / seconds))
        if answer[4] != _DISCRETE:
            break
    return best


def _carried(offer: Offer, mode: CameraMode) -> bool:
    rate = min(offer.fps or mode.fps, mode.fps)
    return offer.fourcc == YUYV and offer.width * offer.height * 2 * rate <= _RAW_BYTES_S


def _ioctl(handle: int, number: int, buffer: bytearray) -> bool:
    try:
        fcntl.ioctl(handle, number, buffer, True)
    except OSError as error:
        if error.errno in (errno.EINVAL, errno.ENOTTY):  # the end of a list, or a driver that keeps none
            return False
        raise DeviceFailed(f"the camera does not say what it offers: {error.strerror}") from error
    return True
