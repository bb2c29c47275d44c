"""Brings the decoded pictures from shared memory to the screen: planes copied once, colours converted by the GPU."""

from __future__ import annotations

import logging
from collections.abc import Callable

from PySide6.QtCore import QSize
from PySide6.QtMultimedia import QVideoFrame, QVideoFrameFormat, QVideoSink

from kiosk_ui.screen.errors import BadPicture
from messaging.frames import Picture, RingReader, plane_sizes

_log = logging.getLogger(__name__)


class PictureFeed:
    """From one ring to one video sink."""

    def __init__(self, ring: RingReader, sink: QVideoSink) -> None:
        self._ring = ring
        self._sink = sink
        self._shown = False
        self.refused = 0

    def next(self, wanted: Callable[[], bool]) -> Picture | None:
        """Take the newest picture off the ring, if there is a new one, and show it if it is `wanted`."""
        picture = self._ring.read()
        if picture is None:
            return None
        try:
            frame = to_video_frame(picture)
        except BadPicture as error:
            self.refused += 1
            if self.refused == 1:
                _log.error("%s; more of them are only counted", error)
            return None
        if wanted():
            self._sink.setVideoFrame(frame)
            self._shown = True
        return picture

    def clear(self) -> None:
        """Forget the last picture, so that nobody sees it in the next call."""
        if self._shown:
            self._sink.setVideoFrame(QVideoFrame())
            self._shown = False

    def close(self) -> None:
        """Let go of the ring."""
        self._ring.close()


def to_video_frame(picture: Picture) -> QVideoFrame:
    """The picture as Qt draws it: 4:2:0, BT.601, video range (cameras and WebRTC's software path give that).

    BadPicture for one with odd or no sides, or with fewer bytes than its sides say.
    """
    if picture.width % 2 or picture.height % 2 or not picture.width or not picture.height:
        raise BadPicture(f"a picture of {picture.width}x{picture.height} cannot be shown")
    if len(picture.planes) != sum(plane_sizes(picture.width, picture.height)):
        raise BadPicture(f"a picture of {picture.width}x{picture.height} with {len(picture.planes)} bytes")
    shape = QVideoFrameFormat(QSize(picture.width, picture.height), QVideoFrameFormat.PixelFormat.Format_YUV420P)
    shape.setColorSpace(QVideoFrameFormat.ColorSpace.ColorSpace_BT601)
    shape.setColorRange(QVideoFrameFormat.ColorRange.ColorRange_Video)
    frame = QVideoFrame(shape)
    if not frame.map(QVideoFrame.MapMode.WriteOnly):
        raise BadPicture(f"no memory for a picture of {picture.width}x{picture.height}")
    at = 0
    source = memoryview(picture.planes)
    widths = (picture.width, picture.width // 2, picture.width // 2)
    for index, size in enumerate(plane_sizes(picture.width, picture.height)):
        _copy_plane(frame, index, source[at : at + size], widths[index])
        at += size
    frame.unmap()
    return frame


def _copy_plane(frame: QVideoFrame, index: int, plane: memoryview, width: int) -> None:
    target = memoryview(frame.bits(index))
    stride = frame.bytesPerLine(index)
    if stride == width:
        target[: len(plane)] = plane
        return
    for row in range(len(plane) // width):
        target[row * stride : row * stride + width] = plane[row * width : (row + 1) * width]
