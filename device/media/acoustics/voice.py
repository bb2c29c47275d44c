"""WebRTC's audio processing (AEC3, noise suppression, high-pass) as it comes in the `livekit` wheel: its only user.

Nothing else of livekit is used: no room, no server. Importing it takes a quarter of a second and making the first
module starts four native threads, so it is done after the station is ready. It opens no network socket and takes no
signal; tests/contract/test_livekit_voice.py holds that. A panic inside it ends the process by SIGTERM, in order, and
systemd starts it anew.

Its Python side encodes a message anew for each call, two hundred times a second, for what is always the same: a third
of the cost. So the messages are encoded once here and given to the library's one C function as livekit gives them.
"""

from __future__ import annotations

import ctypes
import logging
from collections.abc import Callable
from typing import Any

import numpy as np

from device.hardware.ports import BLOCK, SAMPLE_RATE, Block
from device.media.errors import CancellerFailed

_LONGEST_DELAY_MS = 500  # what the library takes


class Voice:
    """One microphone's processing, 10 ms at a time. For one thread."""

    def __init__(self, rtc: Any) -> None:
        logging.getLogger("livekit").setLevel(logging.WARNING)
        # No automatic gain: it would raise the room's noise in every pause, and undo the clinician's own volume.
        self._module = rtc.AudioProcessingModule(echo_cancellation=True, noise_suppression=True, high_pass_filter=True)
        self._handle = self._module._ffi_handle.handle
        self._delays: dict[int, _Call] = {}
        self._delay_ms = -1
        self._far, self._hear_far = self._stream(lambda request: request.apm_process_reverse_stream)
        self._near, self._hear_near = self._stream(lambda request: request.apm_process_stream)

    def process(self, far: Block, near: Block, delay_ms: float) -> Block:
        """The microphone's block `near` without the speaker's; `delay_ms` from `far` here to its echo in `near`.

        CancellerFailed when the library refuses.
        """
        self._far[:] = far
        self._near[:] = near
        self._set_delay(round(min(max(delay_ms, 0.0), _LONGEST_DELAY_MS)))
        self._hear_far()
        self._hear_near()
        return self._near.copy()

    def _set_delay(self, delay_ms: int) -> None:
        if delay_ms == self._delay_ms:
            return
        if delay_ms not in self._delays:
            call = self._delays[delay_ms] = _Call(lambda message: message.apm_set_stream_delay)
            call.encode(apm_handle=self._handle, delay_ms=delay_ms)
        self._delays[delay_ms]()
        self._delay_ms = delay_ms

    def _stream(self, part: Callable[[Any], Any]) -> tuple[Block, _Call]:
        """10 ms of memory that the library reads and writes, and the call that makes it do so."""
        samples: Block = np.zeros(BLOCK, np.int16)
        call = _Call(part)
        call.encode(
            apm_handle=self._handle,
            data_ptr=samples.ctypes.data,
            size=samples.nbytes,
            sample_rate=SAMPLE_RATE,
            num_channels=1,
        )
        return samples, call


class _Call:
    """A request that is encoded once and made many times. `part` picks it out of a message."""

    def __init__(self, part: Callable[[Any], Any]) -> None:
        from livekit.rtc._ffi_client import FfiClient
        from livekit.rtc._proto import ffi_pb2

        self._messages = ffi_pb2
        self._part = part
        library = FfiClient.instance._ffi_lib
        self._request, self._drop = library.livekit_ffi_request, library.livekit_ffi_drop_handle
        self._answer, self._size = ctypes.POINTER(ctypes.c_ubyte)(), ctypes.c_size_t()
        well = ffi_pb2.FfiResponse()
        part(well).SetInParent()
        self._well = well.SerializeToString()
        self._arguments: tuple[Any, ...] = ()

    def encode(self, **fields: int) -> None:
        """What is asked."""
        message = self._messages.FfiRequest()
        for name, value in fields.items():
            setattr(self._part(message), name, value)
        encoded = message.SerializeToString()
        data = (ctypes.c_ubyte * len(encoded)).from_buffer_copy(encoded)
        self._arguments = (data, len(encoded), ctypes.byref(self._answer), ctypes.byref(self._size))

    def __call__(self) -> None:
        """Ask; CancellerFailed if the library refuses."""
        handle = self._request(*self._arguments)
        if not handle:
            raise CancellerFailed("the echo canceller does not answer")
        answer = ctypes.string_at(self._answer, self._size.value)
        self._drop(handle)
        if answer != self._well:
            error = self._part(self._messages.FfiResponse.FromString(answer)).error
            raise CancellerFailed(f"the echo canceller refuses: {error or 'for no reason that it tells'}")


def load_voice() -> Voice:
    """Import the library and make a Voice; CancellerFailed if that cannot be. Takes long: call it from a thread."""
    try:
        from livekit import rtc

        return Voice(rtc)
    except (ImportError, OSError, RuntimeError, AssertionError, AttributeError) as error:
        raise CancellerFailed(f"the echo canceller cannot be loaded: {error}") from error
