"""Opus as it is sent: speech, mono, 20 ms, with the means to repair a lost packet in the next, and pauses in silence.

libopus is driven through opuslib-next's bindings of its C functions, for PyAV cannot change bit rate, expected loss or
DTX of an encoder that runs. libopus takes each without a click.
"""

from __future__ import annotations

import ctypes

import numpy as np
from numpy.typing import NDArray

from device.hardware.ports import SAMPLE_RATE
from device.media.errors import CodecFailed
from device.media.libopus import libopus

SAMPLES = SAMPLE_RATE // 50  # of one packet: 20 ms
_COMPLEXITY = 5  # half of the cost of 10; no difference to be heard in speech
_LARGEST = 1275  # bytes, RFC 6716 section 3.2.1
# Per cent: repairs are there before the first loss; beyond the most, the speech itself thins out.
_LEAST_LOSS, _MOST_LOSS = 10, 40


class OpusEncoder:
    """Encodes the microphone. Used by one thread; CodecFailed if libopus is not there or refuses."""

    def __init__(self, bitrate: int) -> None:
        self._opus = libopus()
        try:
            self._state = self._opus.encoder.create_state(SAMPLE_RATE, 1, self._opus.VOIP)
            self._tell(self._opus.ctl.set_complexity, _COMPLEXITY)
            self._tell(self._opus.ctl.set_inband_fec, 1)
            self._tell(self._opus.ctl.set_dtx, 1)
        except self._opus.OpusError as error:
            raise CodecFailed(f"no Opus encoder: {error}") from error
        self._packet = (ctypes.c_char * _LARGEST)()
        self._told: tuple[int, int] | None = None
        self.adapt(bitrate, 0.0)

    def __del__(self) -> None:
        if hasattr(self, "_state"):
            self._opus.encoder.destroy(self._state)

    def adapt(self, bitrate: int, loss: float) -> None:
        """From the next packet on: bits a second of payload, repairs within them for so much loss (0 to 1)."""
        wanted = bitrate, min(_MOST_LOSS, max(_LEAST_LOSS, round(loss * 100)))
        if wanted != self._told:
            self._told = wanted
            self._tell(self._opus.ctl.set_bitrate, bitrate)
            self._tell(self._opus.ctl.set_packet_loss_perc, wanted[1])

    def encode(self, sound: NDArray[np.int16]) -> bytes:
        """The packet of SAMPLES samples; of one or two bytes in a pause, when there is nothing to send."""
        samples = sound.ctypes.data_as(self._opus.c_int16_pointer)
        size = self._opus.encoder.libopus_encode(self._state, samples, SAMPLES, self._packet, _LARGEST)
        if size < 0:
            raise CodecFailed(f"libopus: {self._opus.OpusError(size)}")
        return self._packet.raw[:size]

    def _tell(self, request: object, value: int) -> None:
        self._opus.encoder.encoder_ctl(self._state, request, value)
