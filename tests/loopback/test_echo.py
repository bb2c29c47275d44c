"""What a clinician hears of his own voice from a room where speaker and microphone stand side by side."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest_asyncio

from device.call.events import PeerConnected
from device.hardware.sim.speech import speech
from device.hardware.sound import level_db
from messaging.clock import SystemClock
from tests.loopback.conftest import Station
from tests.loopback.stock_peer import StockPeer, Tone

SECOND = 50  # frames
LESS_DB = 20.0


class Talking(Tone):
    """Speech: a canceller learns nothing of a room from a tone."""

    _said = speech()

    async def recv(self) -> av.AudioFrame:
        frame = await super().recv()
        at = (frame.pts + np.arange(960)) % len(self._said)
        told = av.AudioFrame.from_ndarray(self._said[at].reshape(1, -1), "s16", "mono")
        told.sample_rate, told.pts, told.time_base = 48_000, frame.pts, Fraction(1, 48_000)
        return told


@pytest_asyncio.fixture
async def room(tmp_path: Path) -> AsyncIterator[Station]:
    """A station in a quiet room whose microphone hears its speaker."""
    station = Station(tmp_path, SystemClock(), microphone="silence")
    station.sim.turn("echo")
    yield station
    await station.close()


async def next_second(peer: StockPeer) -> float:
    """The level of what the peer hears in the next second, in dBFS."""
    await peer.gets("audio", peer.received["audio"] + SECOND)
    heard = list(peer.sounds)[-SECOND:]
    return level_db(np.concatenate([frame.to_ndarray().reshape(-1)[::2] for frame in heard]))


async def test_the_clinicians_own_voice_comes_back_only_until_the_canceller_has_it(room: Station) -> None:
    peer = room.peer()
    peer.tone = Talking()
    await room.media.open()
    await room.connect(peer)
    room.engine.open()
    await room.hears(PeerConnected(1))
    untouched = -100.0
    async with asyncio.timeout(20):
        while untouched < -35:  # his voice is on its way, there and back
            untouched = await next_second(peer)
    untouched = await next_second(peer)
    await room.media.load_canceller()
    assert room.media.echo == "station"
    heard: list[float] = []
    played: list[float] = []
    async with asyncio.timeout(40):
        while len(heard) < 2 or max(heard[-2:]) > untouched - LESS_DB:
            heard.append(await next_second(peer))
            played += [room.media.levels().speaker_db]  # of one moment: speech has its gaps
    assert len(heard) <= 20, heard
    assert max(played) > -35, "he was heard in the room all the time"
