"""The errors of media; drawn in `device/media/__init__.py`."""

from __future__ import annotations

from device.runtime.errors import StationError


class MediaError(StationError):
    """Pictures, sound or a peer connection that cannot be had. `code` is stable, for counters and logs."""

    code = "media"


class CodecFailed(MediaError):
    """An encoder or decoder would not open or work."""

    code = "codec"


class CancellerFailed(MediaError):
    """The echo canceller would not load or work."""

    code = "canceller"


class NoVoice(MediaError):
    """The station has no voice to say words with."""

    code = "no_voice"


class NoStill(MediaError):
    """No still can be had; `code` is one of `busy`, `closed`, `not_allowed`, `no_camera`, `failed`, `too_large`."""

    def __init__(self, code: str) -> None:
        super().__init__(f"no still: {code}")
        self.code = code


class BadDescription(MediaError):
    """An answer or a candidate that is not one we can take; the peer connection stays as it was."""

    code = "malformed"


class Flood(BadDescription):
    """More candidates than one peer connection takes."""

    code = "flood"
