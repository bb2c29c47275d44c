"""Sound from a real peer over a real transport, through our play-out buffer, to the simulated speaker."""

from __future__ import annotations

import os
import threading

import pytest

from device.call.events import PeerConnected
from device.runtime.urgency import SOUND
from tests.loopback.conftest import Station
from tests.loopback.stock_peer import StockPeer

TONE_DB = -23.0  # a sine at a tenth of full scale


def lose_sound(peer: StockPeer, every: int) -> None:
    """Of what the peer sends as sound, each so many-th packet never leaves."""
    transport = next(t for t in peer.pc.getTransceivers() if t.kind == "audio").sender
    bundled, count = transport.transport, 0
    send = bundled._send_rtp

    async def lossy(data: bytes) -> None:
        nonlocal count
        if data[1] & 0x7F == 96:  # the payload type of Opus in our offer
            count += 1
            if count % every == 0:
                return
        await send(data)

    bundled._send_rtp = lossy


async def test_the_clinicians_sound_is_played_and_its_figures_told(station: Station) -> None:
    peer = station.peer()
    await station.media.open()
    await station.connect(peer)
    station.engine.open()
    await station.plays(TONE_DB)
    await station.shows(station.remote, 90)
    figures = station.media.playout.figures()
    assert figures.received > 100
    assert figures.lost <= 1
    assert figures.delay_ms > 0
    assert figures.refused == 0


async def test_sound_that_was_lost_on_the_way_is_concealed_and_counted(station: Station) -> None:
    peer = station.peer()
    await station.media.open()
    await station.connect(peer)
    station.engine.open()
    await station.plays(TONE_DB)
    before = station.media.playout.figures()
    lose_sound(peer, every=10)
    await station.shows(station.remote, 90)
    await station.plays(TONE_DB)
    after = station.media.playout.figures()
    assert after.lost - before.lost >= 5
    assert after.concealed_ms > before.concealed_ms, "stock aiortc sends no repairs"


async def test_without_the_residents_consent_no_packet_of_sound_is_kept(station: Station) -> None:
    peer = station.peer()
    await station.media.open()
    await station.connect(peer)
    await station.hears(PeerConnected(1))
    await peer.is_told("ping")
    figures = station.media.playout.figures()
    assert (figures.received, figures.buffered_ms) == (0, 0)
    station.engine.open()
    await station.plays(TONE_DB)
    assert station.media.playout.figures().received > 0


async def test_sound_goes_first_and_pictures_last_where_the_machine_has_no_time(
    station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, int] = {}
    monkeypatch.setattr(os, "setpriority", lambda *a: asked.setdefault(threading.current_thread().name, a[-1]))
    peer = station.peer()
    await station.media.open()
    await station.connect(peer)
    station.engine.open()
    await peer.gets("audio", 10)
    await station.plays(TONE_DB)
    assert asked.pop("sim-microphone") == asked.pop("sim-speaker") == SOUND
    assert asked.pop("picture-encoder") > os.getpriority(os.PRIO_PROCESS, 0)
    assert asked == {}
