"""The whole way of sound at speed, with the real canceller and libopus: from the clinician's packets to the resident's.

Every part is the product's; only speaker, air and microphone are stepped by hand, so that no machine is too busy.
"""

from __future__ import annotations

import asyncio

import numpy as np
import pytest
from numpy.typing import NDArray

from device.hardware.ports import BLOCK, SAMPLE_RATE, Block
from device.hardware.sim.room import SimRoom
from device.hardware.sound import level_db
from device.media.acoustics.room import RoomSound
from device.media.acoustics.voice import load_voice
from device.media.opus import OpusDecoder
from device.media.opus_encoder import SAMPLES, OpusEncoder
from device.media.playout import Playout
from device.media.sending import SoundSource
from device.media.speaking import Loudspeaker
from tests.bench.line_scene import talk
from tests.kits.media.sound import Sent, intelligibility, sent

pytestmark = pytest.mark.long

CLINICIAN, RESIDENT = talk(1), talk(2)
BETWEEN = BLOCK / SAMPLE_RATE / 2  # seconds from the speaker's thread to the microphone's


class Path:
    """A station's sound in a call, ten milliseconds at a time."""

    def __init__(self, echoes: bool, cancels: bool = True) -> None:
        self.now = 0.0
        self._room = RoomSound(lambda: self.now)
        if cancels:
            self._room.load(load_voice)
        self._playout = Playout(lambda: self.now)
        self._loudspeaker = Loudspeaker(self._playout, self._room)
        self._air = SimRoom()
        self._air.let_through(echoes)
        self._sound = SoundSource(self._room)
        self._sound.start()
        self._outlet = self._sound.subscribe()
        self._decoder = OpusDecoder()
        self._next = 0
        self.packets: list[int] = []  # when each was said, in samples
        self.heard: list[NDArray[np.int16]] = []  # by the clinician

    async def call(self, clinician: NDArray[np.int16], resident: NDArray[np.int16]) -> NDArray[np.int16]:
        """What the clinician hears while both say this."""
        coming = iter(packets(clinician))
        packet = next(coming, None)
        begin = self.now
        for at in range(0, len(resident) - BLOCK + 1, BLOCK):
            self.now = begin + at / SAMPLE_RATE
            while packet is not None and packet.sent <= at / SAMPLE_RATE:
                self._playout.insert(packet.data, packet.number, packet.timestamp, 7)
                packet = next(coming, None)
            await self._step(resident[at : at + BLOCK])
        return np.concatenate(self.heard)

    async def _step(self, said: Block) -> None:
        self._air.play(self._loudspeaker.next_block())
        self.now += BETWEEN
        self._sound.feed(self._air.hear(said))
        await asyncio.sleep(0)  # the packet comes over the loop
        while (packet := self._outlet.pop()) is not None:
            assert packet.pts is not None
            while self._next < packet.pts:  # a pause of the sender's
                self.heard.append(self._decoder.conceal(SAMPLES))
                self._next += SAMPLES
            self.heard.append(self._decoder.decode(bytes(packet)))
            self._next += SAMPLES
            self.packets.append(packet.pts)


def packets(said: NDArray[np.int16]) -> list[Sent]:
    """The clinician's, as they come."""
    encoder = OpusEncoder(32_000)
    return sent(encoder.encode(said[at : at + SAMPLES]) for at in range(0, len(said) - SAMPLES + 1, SAMPLES))


def seconds(sound: NDArray[np.int16], count: float) -> NDArray[np.int16]:
    return sound[: round(count * SAMPLE_RATE)]


def silent(count: float) -> NDArray[np.int16]:
    return np.zeros(round(count * SAMPLE_RATE), np.int16)


async def test_the_clinicians_own_voice_comes_back_a_hundred_times_softer_than_untouched() -> None:
    levels = [
        level_db((await Path(echoes=True, cancels=cancels).call(CLINICIAN[: 8 * SAMPLE_RATE], silent(8)))[-96000:])
        for cancels in (False, True)
    ]
    assert levels[0] > -40, "untouched it is heard well"
    assert levels[1] < levels[0] - 20


async def test_a_resident_who_speaks_alone_is_understood() -> None:
    heard = await Path(echoes=True).call(silent(10), seconds(RESIDENT, 10))
    assert intelligibility(seconds(RESIDENT, 10), heard) > 0.95


async def test_without_an_echo_a_resident_is_understood_while_the_clinician_talks_on() -> None:
    heard = await Path(echoes=False).call(seconds(CLINICIAN, 20), seconds(RESIDENT, 20))
    assert intelligibility(seconds(RESIDENT, 20), heard, leave=10) > 0.95


async def test_an_echo_that_begins_in_the_call_is_cancelled_within_seconds_of_speech() -> None:
    """A headset is pulled out: nobody tells the station."""
    path = Path(echoes=False)
    await path.call(seconds(CLINICIAN, 15), seconds(RESIDENT, 15))
    path._air.let_through(True)
    path.heard.clear()
    begun = level_db((await path.call(CLINICIAN[-15 * SAMPLE_RATE :], silent(15)))[-3 * SAMPLE_RATE :])
    assert begun < -60


async def test_a_pause_of_the_residents_sends_nothing_and_costs_no_syllable_after_it() -> None:
    said = np.concatenate((seconds(RESIDENT, 4), silent(4), seconds(RESIDENT[::-1], 4)))
    path = Path(echoes=True)
    heard = await path.call(silent(12), said)
    assert all(pts % SAMPLES == 0 for pts in path.packets)
    assert path.packets == sorted(set(path.packets))
    assert len([pts for pts in path.packets if 5 * SAMPLE_RATE < pts < 8 * SAMPLE_RATE]) < 30, "three seconds of pause"
    assert intelligibility(said, heard) > 0.93
