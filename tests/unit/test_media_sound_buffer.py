"""Packets of sound on their way from the receiver to the speaker, and the gate between them."""

from __future__ import annotations

import numpy as np
from aiortc.rtp import RtpPacket

from device.media.levels import RateMeter
from device.media.receiving.remote import Remote
from device.media.receiving.sound_buffer import SoundBuffer
from tests.kits.media.sound import FRAME_S, Hearing, encoded


class Line:
    """A receiver's sound buffer with a gate, and a speaker at its end."""

    def __init__(self) -> None:
        self.hearing = Hearing()
        self.remote = Remote(self.hearing.playout, lambda: 12.5, RateMeter(lambda: 0.0))
        self.signs = 0
        self.buffer = SoundBuffer(self.remote, self._heard)

    def _heard(self) -> None:
        self.signs += 1

    def pass_on(self, count: int, first: int = 0, source: int = 5) -> np.ndarray:
        """So many packets at their pace, and what the speaker plays meanwhile."""
        played = []
        for i, data in enumerate(encoded(4)[first : first + count]):
            packet = RtpPacket(96, 0, first + i, (first + i) * 960, source)
            packet._data = data  # type: ignore[attr-defined]
            assert self.buffer.add(packet) == (False, None), "aiortc has nothing to do with sound"
            played += [self.hearing.playout.next_block(), self.hearing.playout.next_block()]
            self.hearing.now += FRAME_S
        return np.concatenate(played)


def test_sound_that_comes_is_played() -> None:
    line = Line()
    line.remote.open_gate()
    assert np.abs(line.pass_on(30).astype(int)).max() > 3000


def test_before_the_resident_agreed_nothing_is_played_nor_kept_but_somebody_is_there() -> None:
    line = Line()
    assert not line.pass_on(30).any()
    assert line.signs == 30
    line.remote.open_gate()
    assert not line.hearing.playout.next_block().any()
    assert line.hearing.playout.figures().received == 0


def test_after_the_gate_has_shut_not_one_more_block_is_heard() -> None:
    line = Line()
    line.remote.open_gate()
    line.pass_on(30)
    line.remote.shut_gate()
    assert not line.hearing.playout.next_block().any()
    assert not line.pass_on(30, first=30).any()


def test_of_the_last_peer_connection_nothing_is_heard_in_the_next() -> None:
    line = Line()
    line.remote.open_gate()
    line.pass_on(30)
    line.remote.forget()
    assert not line.hearing.playout.next_block().any()
    assert line.pass_on(30, source=6).any(), "the next one is heard at once"


def test_padding_with_no_sound_in_it_is_a_sign_of_life_and_no_packet_of_sound() -> None:
    line = Line()
    line.remote.open_gate()
    packet = RtpPacket(96, 0, 1, 960)
    packet._data = b""  # type: ignore[attr-defined]
    line.buffer.add(packet)
    figures = line.hearing.playout.figures()
    assert (line.signs, figures.received, figures.refused) == (1, 0, 0)
