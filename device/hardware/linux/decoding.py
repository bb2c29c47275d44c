"""From what a USB camera sends to planar 4:2:0 at video levels: Motion JPEG, raw YUYV, or OpenCV's BGR.

Motion JPEG is decoded to its own YUV and goes from full to video levels through tables: 3.2 ms a picture of 1280x720
where OpenCV's way over BGR and back takes 3.9 (an x86 core; a grainy picture at quality 85).
"""

from __future__ import annotations

from typing import Any

import av
import cv2
import numpy as np
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from device.hardware.errors import DeviceFailed

Plane = NDArray[np.uint8]

_LEVELS = np.arange(256)
_LUMA = np.round(16 + _LEVELS * 219 / 255).astype(np.uint8)
_CHROMA = np.round(128 + (_LEVELS - 128) * 224 / 255).astype(np.uint8)
_ROWS = {"yuvj420p": 1, "yuvj422p": 2, "yuv420p": 1, "yuv422p": 2}  # rows of chroma for one of ours
_TORN_IN_A_ROW = 30  # a picture torn on the bus happens; a second of them is a camera that does not work


class Decoder:
    """Decodes one camera's pictures; one instance for each time it is opened."""

    def __init__(self) -> None:
        self._mjpeg: VideoCodecContext | None = None
        self._torn = 0

    def decode(self, taken: NDArray[np.uint8]) -> Plane | None:
        """The picture (uint8 of shape (height * 3 / 2, width), even sides); None if torn, DeviceFailed if all are.

        `taken` has shape (height, width, 3) for BGR, (height, width, 2) for YUYV; any other is a JPEG's bytes.
        """
        if taken.ndim == 3 and taken.shape[2] == 3:
            return from_bgr(taken)
        if taken.ndim == 3 and taken.shape[2] == 2:
            return from_yuyv(taken)
        picture = self._from_jpeg(taken)
        self._torn = 0 if picture is not None else self._torn + 1
        if self._torn >= _TORN_IN_A_ROW:
            raise DeviceFailed("the camera sends pictures that cannot be read")
        return picture

    def _from_jpeg(self, data: NDArray[np.uint8]) -> Plane | None:
        if self._mjpeg is None:
            self._mjpeg = av.CodecContext.create("mjpeg", "r")
            self._mjpeg.thread_count = 1  # threads of the decoder's hold pictures back
        try:
            frames = self._mjpeg.decode(av.Packet(data.tobytes()))
        except av.FFmpegError:
            return None
        return from_frame(frames[0]) if frames else None


def from_frame(frame: VideoFrame) -> Plane:
    """A decoded JPEG. Odd sides are cut; other subsamplings than 4:2:0 and 4:2:2 go through FFmpeg's scaler."""
    rows = _ROWS.get(frame.format.name)
    if rows is None or frame.height % 2 or frame.width % 2:
        return from_bgr(frame.to_ndarray(format="bgr24"))
    width, height = frame.width, frame.height
    picture = np.empty((height * 3 // 2, width), dtype=np.uint8)
    cv2.LUT(_plane(frame, 0, width, height), _LUMA, picture[:height])
    chroma = picture[height:].reshape(2, height // 2, width // 2)
    for number in (0, 1):
        source = _plane(frame, number + 1, width // 2, height // 2 * rows)
        cv2.LUT(np.ascontiguousarray(source[::rows]), _CHROMA, chroma[number])
    return picture


def from_yuyv(taken: NDArray[np.uint8]) -> Plane:
    """Raw pictures, 4:2:2 and packed; each second row of chroma is left out."""
    height, width = taken.shape[0] // 2 * 2, taken.shape[1] // 2 * 2
    picture = np.empty((height * 3 // 2, width), dtype=np.uint8)
    picture[:height] = taken[:height, :width, 0]
    chroma = picture[height:].reshape(2, height // 2, width // 2)
    chroma[0], chroma[1] = taken[:height:2, 0:width:2, 1], taken[:height:2, 1:width:2, 1]
    return picture


def from_bgr(bgr: NDArray[Any]) -> Plane:
    """A picture from OpenCV, its sides cut to even numbers."""
    height, width = (side // 2 * 2 for side in bgr.shape[:2])
    return np.asarray(cv2.cvtColor(np.ascontiguousarray(bgr[:height, :width]), cv2.COLOR_BGR2YUV_I420), np.uint8)


def _plane(frame: VideoFrame, number: int, width: int, height: int) -> Plane:
    plane = frame.planes[number]
    return np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)[:height, :width]
