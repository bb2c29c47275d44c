"""Opus packets and their decoder, against libopus itself."""

from __future__ import annotations

import gc
import resource
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from opuslib_next import Encoder
from opuslib_next.exceptions import OpusError

from device.hardware.ports import SAMPLE_RATE
from device.media.errors import CodecFailed
from device.media.libopus import libopus
from device.media.opus import LONGEST, OpusDecoder, duration, holds_repair, is_pause
from tests.kits.media.sound import FRAME, encoded, said


def packet_of(samples: int, application: str = "voip", channels: int = 1, bitrate: int = 32_000) -> bytes:
    """The second packet of speech with so many samples, repairs included where Opus can."""
    encoder = Encoder(SAMPLE_RATE, channels, application)
    encoder.bitrate, encoder.inband_fec, encoder.packet_loss_perc = bitrate, 1, 20
    sound = np.repeat(said(4)[24_000:], channels)
    size = samples * channels
    encoder.encode(sound[:size].tobytes(), samples)
    return encoder.encode(sound[size : 2 * size].tobytes(), samples)


@pytest.mark.parametrize("samples", [120, 240, 480, 960, 1920, 2880])
@pytest.mark.parametrize("application", ["voip", "restricted_lowdelay"])
def test_a_packet_says_how_long_it_is(samples: int, application: str) -> None:
    packet = packet_of(samples, application)
    assert duration(packet) == samples
    assert len(OpusDecoder().decode(packet)) == samples


@given(st.binary(max_size=60))
def test_any_bytes_are_a_packet_of_bounded_length_or_refused(data: bytes) -> None:
    holds_repair(data)
    is_pause(data)
    try:
        samples = duration(data)
    except CodecFailed:
        return
    assert 0 < samples <= LONGEST
    try:
        assert len(OpusDecoder().decode(data)) == samples
    except CodecFailed as error:
        assert "libopus" in str(error)


def test_bytes_that_are_no_packet_leave_the_decoder_as_it_was() -> None:
    one, other = OpusDecoder(), OpusDecoder()
    for packet in encoded(1)[:10]:
        assert np.array_equal(one.decode(packet), other.decode(packet))
        with pytest.raises(CodecFailed):
            one.decode(b"\xff\xff\xff")


def test_stereo_comes_out_as_one_channel() -> None:
    sound = OpusDecoder().decode(packet_of(FRAME, channels=2))
    assert sound.shape == (FRAME,)
    assert sound.any()


def loudness_of_repairs(packets: tuple[bytes, ...]) -> tuple[float, float]:
    """Mean error of what is repaired, and of what is concealed, against what was sent and lost: every fourth packet."""
    whole, repairing, concealing = OpusDecoder(), OpusDecoder(), OpusDecoder()
    errors: tuple[list[float], list[float]] = ([], [])
    for i, packet in enumerate(packets[:-1]):
        true = whole.decode(packet).astype(float)
        if i % 4 != 3 or not holds_repair(packets[i + 1]):
            repairing.decode(packet)
            concealing.decode(packet)
            continue
        for decoder, error in ((repairing, errors[0]), (concealing, errors[1])):
            guess = decoder.repair(packets[i + 1], FRAME) if decoder is repairing else decoder.conceal(FRAME)
            error.append(float(np.mean(np.abs(true - guess))))
    return float(np.mean(errors[0])), float(np.mean(errors[1]))


def test_a_repair_is_nearer_to_what_was_sent_than_concealment_is() -> None:
    repaired, concealed = loudness_of_repairs(encoded(4))
    assert repaired < 0.6 * concealed


def test_who_was_not_asked_for_repairs_sends_none() -> None:
    assert any(holds_repair(packet) for packet in encoded(4))
    assert not any(holds_repair(packet) for packet in encoded(4, fec=False))


@pytest.mark.parametrize(("samples", "channels"), [(480, 1), (960, 1), (1920, 1), (2880, 1), (960, 2)])
def test_repairs_are_found_in_packets_of_every_shape(samples: int, channels: int) -> None:
    assert holds_repair(packet_of(samples, channels=channels, bitrate=24_000 * channels))
    assert not holds_repair(packet_of(min(samples, 960), "restricted_lowdelay", channels))


def test_a_pause_of_the_sender_is_told_from_silence_that_is_sent() -> None:
    pausing = encoded(4, dtx=True, pause=(1, 3))
    assert sum(is_pause(packet) for packet in pausing) > 60
    assert not any(is_pause(packet) for packet in encoded(4))


def test_concealment_goes_on_from_the_last_sound() -> None:
    decoder = OpusDecoder()
    for packet in encoded(1)[:8]:
        sound = decoder.decode(packet)
    more = decoder.conceal(480)
    assert len(more) == 480
    assert abs(int(more[0]) - int(sound[-1])) < 1500
    assert np.abs(more.astype(int)).max() > 1000


def test_after_a_reset_it_is_as_new() -> None:
    used = OpusDecoder()
    for packet in encoded(1):
        used.decode(packet)
    used.reset()
    new = OpusDecoder()
    for packet in encoded(1)[:5]:
        assert np.array_equal(used.decode(packet), new.decode(packet))


@pytest.mark.long
def test_decoders_give_their_memory_back() -> None:
    packet = encoded(1)[5]

    def use(count: int) -> int:
        for _ in range(count):
            OpusDecoder().decode(packet)
        gc.collect()
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    before = use(200)
    assert use(3000) - before < 4_000, "kilobytes; a decoder holds 27"


def test_a_decoder_that_cannot_be_made_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(rate: int, channels: int) -> None:
        raise OpusError(-7)

    monkeypatch.setattr(libopus().decoder, "create_state", refuse)
    with pytest.raises(CodecFailed, match="memory"):
        OpusDecoder().conceal(960)


def test_a_machine_without_libopus_is_told_which_package_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    libopus.cache_clear()
    monkeypatch.setitem(sys.modules, "opuslib_next.api", None)
    with pytest.raises(CodecFailed, match="libopus0"):
        OpusDecoder().decode(b"\xf8\xff\xfe")
    monkeypatch.undo()
    assert len(OpusDecoder().decode(b"\xf8\xff\xfe")) == 960


def test_what_a_station_needs_before_it_is_ready_loads_neither_libopus_nor_aiortc() -> None:
    loaded = subprocess.run(
        [sys.executable, "-c", "import sys, device.media.media; print(*sys.modules)"],
        capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    assert "device.media.opus" in loaded
    assert {"aiortc", "opuslib_next.api", "livekit"} & set(loaded) == set()
