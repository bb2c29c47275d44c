"""WebRTC's audio processing (AEC3, noise suppression, high-pass) as it comes in the `livekit` wheel: its only user.

Nothing else of livekit is used: no room, no server. Importing it takes a quarter of a second and making the first
module starts four native threads, so it is done after the station is ready. It opens no network socket and takes no
signal; tests/contract/test_livekit_voice.py holds that. A panic inside it ends the process by SIGTERM, in order, and
systemd starts it anew.
"""

from __future__ import annotations

import logging
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
        self._far, self._far_samples = _frame(rtc)
        self._near, self._near_samples = _frame(rtc)
        self._delay_ms = -1

    def process(self, far: Block, near: Block, delay_ms: float) -> Block:
        """The microphone's block `near` without the speaker's; `delay_ms` from `far` here to its echo in `near`.

        CancellerFailed when the library refuses.
        """
        self._far_samples[:] = far
        self._near_samples[:] = near
        try:
            self._set_delay(round(min(max(delay_ms, 0.0), _LONGEST_DELAY_MS)))
            self._module.process_reverse_stream(self._far)
            self._module.process_stream(self._near)
        except (RuntimeError, AssertionError) as error:
            raise CancellerFailed(f"the echo canceller refuses a block: {error}") from error
        return self._near_samples.copy()

    def _set_delay(self, delay_ms: int) -> None:
        if delay_ms != self._delay_ms:
            self._module.set_stream_delay_ms(delay_ms)
            self._delay_ms = delay_ms


def load_voice() -> Voice:
    """Import the library and make a Voice; CancellerFailed if that cannot be. Takes long: call it from a thread."""
    try:
        from livekit import rtc

        return Voice(rtc)
    except (ImportError, OSError, RuntimeError, AssertionError) as error:
        raise CancellerFailed(f"the echo canceller cannot be loaded: {error}") from error


def _frame(rtc: Any) -> tuple[Any, Block]:
    """A frame that is used again and again, and its samples."""
    memory = bytearray(BLOCK * 2)
    return rtc.AudioFrame(memory, SAMPLE_RATE, 1, BLOCK), np.frombuffer(memory, np.int16)
