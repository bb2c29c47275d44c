"""Opus as it is received: what a packet says of itself, and a decoder that can repair and conceal.

Packets are read as RFC 6716 section 3 lays them out. libopus is Debian's, through opuslib-next's bindings of its C
functions; opuslib-next's own `Decoder` builds a Python list of every sample, which costs more than decoding them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from device.hardware.ports import SAMPLE_RATE
from device.media.errors import CodecFailed
from device.media.libopus import libopus

LONGEST = 5_760  # samples: 120 ms, more no packet holds
STEP = 120  # samples: 2.5 ms, the grain in which Opus conceals
_DTX_BYTES = 2  # a packet so small holds no sound: the sender is pausing (RFC 6716, section 2.1.9)
_SILK_AND_HYBRID = 16  # configurations below this have in-band FEC
_FRAMES_OF_SILK = (480, 960, 1920, 2880)
_FRAMES_OF_HYBRID = (480, 960)
_FRAMES_OF_CELT = (120, 240, 480, 960)


def duration(packet: bytes) -> int:
    """Samples at 48 kHz in this packet; CodecFailed if it is none."""
    if not packet:
        raise CodecFailed("an Opus packet has at least one byte")
    count = _frame_count(packet)
    samples = count * _frame_samples(packet[0] >> 3)
    if not 0 < samples <= LONGEST:
        raise CodecFailed("an Opus packet holds 2.5 to 120 ms")
    return samples


def is_pause(packet: bytes) -> bool:
    """Whether the sender says only that it is pausing (DTX): comfort noise is to be played until it goes on."""
    return len(packet) <= _DTX_BYTES


def holds_repair(packet: bytes) -> bool:
    """Whether the packet carries the sound of the one before it as well (in-band FEC), in lower quality."""
    if len(packet) <= _DTX_BYTES or packet[0] >> 3 >= _SILK_AND_HYBRID:
        return False
    at = _first_frame(packet)
    if at is None or at >= len(packet):
        return False
    # The frame begins with one flag of voice activity for each 20 ms, then the flag of FEC; in stereo, both twice.
    spans = max(1, _frame_samples(packet[0] >> 3) // 960)
    repair = packet[at] >> (7 - spans) & 1
    if packet[0] & 4:
        repair |= packet[at] >> max(0, 6 - 2 * spans) & 1
    return bool(repair)


class OpusDecoder:
    """Decodes to mono at 48 kHz, whatever the packet holds. Used by one thread; made with the first packet."""

    def __init__(self) -> None:
        self._state: object | None = None
        self._samples = np.zeros(LONGEST, np.int16)

    def __del__(self) -> None:
        if self._state is not None:
            self._opus.decoder.destroy(self._state)

    def decode(self, packet: bytes) -> NDArray[np.int16]:
        """The sound of a packet; CodecFailed if it cannot be decoded (the decoder stays usable)."""
        return self._decode(packet, LONGEST, repair=False)

    def repair(self, next_packet: bytes, samples: int) -> NDArray[np.int16]:
        """The `samples` (a multiple of STEP) before `next_packet`, from what it carries of them; CodecFailed."""
        return self._decode(next_packet, samples, repair=True)

    def conceal(self, samples: int) -> NDArray[np.int16]:
        """So many samples (a multiple of STEP, at most LONGEST) that go on from the last; noise in a pause."""
        return self._decode(None, samples, repair=False)

    def reset(self) -> None:
        """As new: another sender."""
        if self._state is not None:
            self._opus.decoder.decoder_ctl(self._state, self._opus.ctl.reset_state)

    def _decode(self, packet: bytes | None, samples: int, repair: bool) -> NDArray[np.int16]:
        if self._state is None:
            self._make()
        size = 0 if packet is None else len(packet)
        count = self._opus.decoder.libopus_decode(self._state, packet, size, self._pointer, samples, int(repair))
        if count < 0:
            raise CodecFailed(f"libopus: {self._opus.OpusError(count)}")
        return self._samples[:count].copy()

    def _make(self) -> None:
        self._opus = libopus()
        try:
            self._state = self._opus.decoder.create_state(SAMPLE_RATE, 1)
        except self._opus.OpusError as error:
            raise CodecFailed(f"no Opus decoder: {error}") from error
        self._pointer = self._samples.ctypes.data_as(self._opus.c_int16_pointer)


def _frame_samples(configuration: int) -> int:
    if configuration < 12:
        return _FRAMES_OF_SILK[configuration % 4]
    if configuration < _SILK_AND_HYBRID:
        return _FRAMES_OF_HYBRID[configuration % 2]
    return _FRAMES_OF_CELT[configuration % 4]


def _frame_count(packet: bytes) -> int:
    code = packet[0] & 3
    if code < 3:
        return min(code, 1) + 1
    return packet[1] & 0x3F if len(packet) > 1 else 0


def _first_frame(packet: bytes) -> int | None:
    """Where the first frame's bytes begin; None if that lies outside the packet."""
    code = packet[0] & 3
    if code < 2:
        return 1
    if code == 2:
        return 1 + _length_bytes(packet, 1)
    if len(packet) < 3:
        return None
    count, at = packet[1], 2
    if count & 0x40:  # padding: its length, 255 at a time
        while at < len(packet) and packet[at] == 255:
            at += 1
        at += 1
    if count & 0x80:  # frames of different lengths, each told but the last's
        for _ in range((count & 0x3F) - 1):
            if at >= len(packet):
                return None
            at += _length_bytes(packet, at)
    return at


def _length_bytes(packet: bytes, at: int) -> int:
    return 2 if packet[at] >= 252 else 1
