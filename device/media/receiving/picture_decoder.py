"""Pictures decoded one by one; between a loss and the next key frame the last good one stays."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import cast

import av
from av.video.codeccontext import VideoCodecContext

from device.media.receiving.freezes import FreezeMeter
from device.media.receiving.remote import Remote

_log = logging.getLogger(__name__)

_MOST_BEHIND = 15  # releases not decoded yet: half a second, then pictures are left out until a key frame
_DECODERS = {"H264": "h264", "VP8": "libvpx"}


class PictureDecoder:
    """`decode` runs in the receiver's decoder thread; the numbers may be read from any thread."""

    def __init__(self, remote: Remote, monotonic: Callable[[], float]) -> None:
        self._remote = remote
        self._monotonic = monotonic
        self._context: VideoCodecContext | None = None
        self._codec = ""
        self._taken = 0
        self.released = 0  # by the loop; `_taken` by the decoder's thread
        self.needs_key = True
        self.hurt = False  # a key frame is needed because of a loss or an error, not because the stream begins
        self.freezes = FreezeMeter()
        self.picture_at: float | None = None
        self.decoded = 0
        self.dropped = 0
        self.broken = 0  # of the dropped, those that were whole and yet could not be decoded
        self.size = (0, 0)

    def decode(self, codec: str, pictures: list[bytes], after_loss: bool) -> None:
        """Decode and show what can be; never raises for what came over the line."""
        self._taken += 1
        if self._context is None or codec != self._codec:
            self._context, self._codec = _video_context(codec), codec
        if after_loss or self.released - self._taken > _MOST_BEHIND:
            self.needs_key = self.hurt = True
        for data in pictures:
            if self.needs_key and not is_key_frame(codec, data):
                self.dropped += 1
            else:
                self._show(self._context, data)

    def _show(self, context: VideoCodecContext, data: bytes) -> None:
        try:
            frames = context.decode(av.Packet(data))
        except av.FFmpegError as error:
            if not self.broken:  # once is enough in the log: the rest is counted
                _log.warning("a picture cannot be decoded: %s", error)
            self.broken += 1
            self.dropped += 1
            self.needs_key = self.hurt = True
            return
        self.needs_key = self.hurt = False
        for frame in frames:
            self.picture_at = self._monotonic()
            self.decoded += 1
            self.size = (frame.width, frame.height)
            self.freezes.picture(self.picture_at)
            self._remote.show(frame)


def is_key_frame(codec: str, data: bytes) -> bool:
    """Whether this encoded picture can be decoded without the one before it."""
    if codec == "VP8":
        return bool(data) and not data[0] & 1
    at = data.find(b"\x00\x00\x01")
    while 0 <= at < len(data) - 3:
        if data[at + 3] & 0x1F in (5, 7):
            return True
        if data[at + 3] & 0x1F == 1:
            return False  # a slice of a dependent picture
        at = data.find(b"\x00\x00\x01", at + 3)
    return False


def _video_context(codec: str) -> VideoCodecContext:
    context = cast("VideoCodecContext", av.CodecContext.create(_DECODERS[codec], "r"))
    context.thread_count = 1
    return context
