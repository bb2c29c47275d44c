"""A call over a line that is capped or loses packets: what the other side sees and hears of the room."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

import pytest

from device.call.samples import Cameras, Flow, difference
from device.media.rate.control import START_VIDEO
from tests.bench.relay import Impairment, Relaying
from tests.loopback.conftest import Station
from tests.loopback.stock_peer import StockPeer

pytestmark = pytest.mark.system
LOOKED_AT_S = 8
BEGINS_KBPS = START_VIDEO / 1000


def through(sdp: str, port: int) -> str:
    """The description with one candidate, and that is the relay's."""
    kept: list[str] = []
    for line in sdp.splitlines():
        fields = line.split()
        if not line.startswith("a=candidate:"):
            kept.append(line)
        elif fields[2].lower() == "udp" and "host" in fields and not any(k.startswith("a=candidate:") for k in kept):
            kept.append(" ".join([*fields[:4], "127.0.0.1", str(port), *fields[6:]]))
    return "\r\n".join(kept) + "\r\n"


@contextlib.asynccontextmanager
async def call(station: Station, line: Impairment) -> AsyncIterator[tuple[StockPeer, Relaying]]:
    """A call whose outgoing half is impaired: the stock peer would fill its own."""
    async with Relaying(seed=3) as relay:
        await relay.set(line, "out")
        leg = await relay.leg()
        peer = station.peer()
        await station.media.open()
        offer = await station.engine.prepare(1, ())
        await station.engine.answer(1, through(await peer.answer(through(offer, leg.clinic)), leg.station))
        station.engine.keep(1)
        station.engine.open()
        asking = asyncio.create_task(ask_for_pictures(peer))
        try:
            yield peer, relay
        finally:
            asking.cancel()


async def ask_for_pictures(peer: StockPeer) -> None:
    """Ask for a key frame when the picture stands still, as every browser does and stock aiortc does not."""
    seen = -1
    while True:
        await asyncio.sleep(0.5)
        if peer.received["video"] == seen and peer.picture_receiver is not None:
            await peer.picture_receiver._send_rtcp_pli(peer.picture_source)
        seen = peer.received["video"]


async def watched(peer: StockPeer, seconds: float = LOOKED_AT_S, kind: str = "audio") -> float:
    """Frames a second of that kind that the other side has got."""
    began, first = time.monotonic(), peer.received[kind]
    await asyncio.sleep(seconds)
    return (peer.received[kind] - first) / (time.monotonic() - began)


@pytest.mark.parametrize("cap", [150, 300])
async def test_a_capped_line_is_filled_and_not_overrun_and_sound_goes_on(station: Station, cap: int) -> None:
    """What arrives is looked at, not what is shown: stock aiortc's receiver does not get over the first second."""
    async with call(station, Impairment(cap_kbps=cap, delay_ms=20)) as (peer, relay):
        await peer.gets("audio", 10)
        await watched(peer, 8)
        before = (await relay.figures())["out"]
        sound = await watched(peer)
        after = (await relay.figures())["out"]
    assert sound > 30, "of 50; there are pauses in speech"
    assert after["overflowed"] - before["overflowed"] <= 0.05 * (after["came"] - before["came"])
    kbps = (after["passed_bytes"] - before["passed_bytes"]) * 8 / LOOKED_AT_S / 1000
    assert 75 < kbps <= cap * 1.03


async def sent(station: Station, seconds: float) -> Flow:
    """What the station sends meanwhile."""
    before, began = station.engine.sample(), time.monotonic()
    await asyncio.sleep(seconds)
    now = station.engine.sample()
    assert before is not None
    assert now is not None
    return difference(before, now, time.monotonic() - began, Cameras()).out


async def test_a_wide_line_that_loses_a_tenth_stays_sharp(station: Station) -> None:
    """Taken for a full line it would never get beyond what it begins with; a busy machine looks like one for a while.

    What is sent is looked at: stock aiortc's pictures may stand still for good after such a loss.
    """
    async with call(station, Impairment(loss=0.1, delay_ms=20)) as (peer, _):
        await peer.gets("video", 10)
        await sent(station, 5)
        for _ in range(12):
            flow = await sent(station, 5)
            if flow.fps >= 15 and flow.height >= 360 and flow.room_kbps is not None and flow.room_kbps > BEGINS_KBPS:
                break
        else:
            pytest.fail(f"it stayed at {flow}")
    assert 0.02 < flow.loss < 0.3
