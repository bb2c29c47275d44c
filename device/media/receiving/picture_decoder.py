"""Pictures decoded one by one; between a loss and the next key frame the last good one stays."""

from __future__ import annotations

from typing import cast

import av
from av.video.codeccontext import VideoCodecContext

from device.media.receiving.remote import Remote

_MOST_BEHIND = 15  # releases not decoded yet: half a second, then pictures are left out until a key frame
_DECODERS = {"H264": "h264", "VP8": "libvpx"}


class PictureDecoder:
    """Decodes in the receiver's thread; between a loss and the next key frame the last good picture stays."""

    def __init__(self, remote: Remote) -> None:
        self._remote = remote
        self._context: VideoCodecContext | None = None
        self._codec = ""
        self._taken = 0
        self.released = 0  # by the loop; `_taken` by the decoder's thread
        self.needs_key = True

    def decode(self, codec: str, pictures: list[bytes], after_loss: bool) -> None:
        self._taken += 1
        if self._context is None or codec != self._codec:
            self._context, self._codec = _video_context(codec), codec
        self.needs_key |= after_loss or self.released - self._taken > _MOST_BEHIND
        for data in pictures:
            if self.needs_key and not is_key_frame(codec, data):
                continue
            self.needs_key = False
            try:
                frames = self._context.decode(av.Packet(data))
            except av.FFmpegError:
                self.needs_key = True
                raise
            for frame in frames:
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
