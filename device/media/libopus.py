"""libopus through opuslib-next's bindings of its C functions, loaded when it is first needed.

Finding the library takes as long as all else that a station does before it is ready, and nobody speaks before a call.
"""

from __future__ import annotations

import functools
from types import SimpleNamespace

from device.media.errors import CodecFailed


@functools.cache
def libopus() -> SimpleNamespace:
    """The functions by their names: `ctl`, `decoder`, `encoder`, `OpusError`, `c_int16_pointer`, `VOIP`.

    CodecFailed when libopus is not installed.
    """
    try:
        from opuslib_next.api import c_int16_pointer, ctl, decoder, encoder
        from opuslib_next.constants import APPLICATION_VOIP
        from opuslib_next.exceptions import OpusError
    except Exception as error:  # the package raises nothing narrower when it does not find the library
        raise CodecFailed(f"libopus cannot be loaded (in Debian the package libopus0): {error}") from error
    return SimpleNamespace(
        c_int16_pointer=c_int16_pointer, ctl=ctl, decoder=decoder, encoder=encoder, VOIP=APPLICATION_VOIP,
        OpusError=OpusError,
    )  # fmt: skip
