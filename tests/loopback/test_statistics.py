"""What a real call's statistics say: our engine against aiortc as it comes."""

from __future__ import annotations

import asyncio
import time

import pytest

from device.call.grading import Verdict
from device.call.samples import Cameras, Sample, difference
from device.call.statistics import CallStatistics
from tests.loopback.conftest import Station
from tests.loopback.stock_peer import StockPeer


def sample(station: Station) -> Sample:
    found = station.engine.sample()
    assert found is not None
    return found


async def in_call(station: Station, peer: StockPeer, generation: int = 1) -> None:
    await station.media.open()
    await station.connect(peer, generation)
    station.engine.keep(generation)
    station.engine.open()
    await peer.gets("video", 15)
    await station.shows(station.remote, 15)


async def test_a_calls_figures_are_those_of_what_truly_went_over_the_line(station: Station) -> None:
    peer = station.peer()
    assert station.engine.sample() is None
    await in_call(station, peer)
    before, seen, began = sample(station), peer.received["video"], time.monotonic()
    await peer.gets("video", seen + 60)
    now, took = sample(station), time.monotonic() - began
    second = difference(before, now, took, Cameras())

    assert now.sent.pictures >= peer.received["video"], "decoded there: sent here"
    assert 5 < second.out.fps < 35
    assert second.into.fps * took == pytest.approx(now.received.pictures - before.received.pictures)
    assert second.into.fps > 5
    assert (second.out.loss, now.received.lost) == (0, 0)
    assert (second.out.width, second.out.height) == (640, 480)
    assert (second.into.width, second.into.height) == (320, 240)
    assert 5 < second.out.sound_kbps < 80
    assert 2 < second.into.sound_kbps < 200
    assert second.out.picture_kbps > 20
    assert second.into.picture_kbps > 5
    assert (now.path, now.codec) == ("direct", "H264")


async def test_the_whole_of_a_good_call_is_good_and_its_codec_known(station: Station) -> None:
    peer = station.peer(vp8_only=True)
    await in_call(station, peer)
    statistics, before = CallStatistics(0.5), sample(station)
    for _ in range(3):
        await peer.gets("video", peer.received["video"] + 30)
        now = sample(station)
        statistics.add(difference(before, now, 1.0, Cameras()), "good", "good")
        statistics.went(now.path, now.codec)
        before = now
    quality = statistics.result("0123456789abcdef", 0.0, station.media.encoder)
    assert quality.out.fps == pytest.approx(30, abs=8)
    assert (quality.out.loss, before.received.lost) == (0, 0)
    assert (quality.grade, quality.path, quality.codec) == ("good", "direct", "VP8")
    assert quality.rtt_ms is None or quality.rtt_ms < 500


async def test_how_far_sound_and_picture_are_apart_is_known_from_the_other_sides_reports(station: Station) -> None:
    peer = station.peer()
    await in_call(station, peer)
    async with asyncio.timeout(30):
        while sample(station).heard.skew_ms is None:
            await peer.gets("video", peer.received["video"] + 10)
    heard = sample(station).heard
    assert heard.skew_ms is not None
    assert abs(heard.skew_ms) < 3000, "aiortc's own two tracks begin together; this machine may be crowded"


async def test_how_good_it_is_reaches_the_other_side(station: Station) -> None:
    peer = station.peer()
    await in_call(station, peer)
    station.engine.tell_quality("in", Verdict("poor", "sound"))
    assert await peer.is_told("quality") == {
        "type": "quality", "direction": "in", "grade": "poor", "reason": "sound",
    }  # fmt: skip


async def test_a_second_connection_counts_from_nought_and_the_sound_goes_on(station: Station) -> None:
    peer, second = station.peer(), station.peer()
    await in_call(station, peer)
    first = sample(station)
    offer = await station.engine.prepare(2, (), beside=True)
    await station.engine.answer(2, await second.answer(offer))
    station.engine.keep(2)
    await second.gets("video", 5)
    await station.shows(station.remote, 5)
    now = sample(station)
    assert now.generation == 2
    assert now.sent.pictures < first.sent.pictures + 30
    assert now.heard.packets >= first.heard.packets
