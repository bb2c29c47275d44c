"""Our engine against aiortc as it comes: what the two people at the ends would see and hear."""

from __future__ import annotations

import asyncio
import re
import threading
from pathlib import Path

import numpy as np
import pytest
from aioice.mdns import MDnsProtocol

from device.call.events import PeerBack, PeerBye, PeerConnected, PeerFailed, PeerLost, PeerMedia
from device.media.errors import BadDescription, Flood
from messaging.call import MAX_CANDIDATES, IceServer
from tests.kits.clock import ManualClock
from tests.kits.promptness import Stopwatch
from tests.loopback.conftest import Station


def level_db(samples: np.ndarray) -> float:
    return float(10 * np.log10(np.mean(np.square(samples.astype(float))) / 32768**2 + 1e-12))


async def test_both_sides_see_pictures_advance_and_hear_the_other(station: Station) -> None:
    peer = station.peer()
    await station.media.open()
    await station.connect(peer)
    station.engine.open()

    await peer.gets("video", 30)
    await peer.gets("audio", 50)
    shown = await station.shows(station.remote, 30)

    seen = [np.frombuffer(memoryview(frame.planes[0]), np.uint8).mean() for frame in peer.pictures]
    assert len({round(float(mean), 1) for mean in seen}) > 5, "the station's scene moves"
    assert len({picture.planes[:1] for picture in shown}) > 5, "the clinician's scene moves"
    assert (shown[-1].width, shown[-1].height) == (320, 240)
    heard = np.concatenate([frame.to_ndarray().ravel() for frame in peer.sounds])
    assert level_db(heard) > -50, "the clinician hears the resident"
    await station.plays(-23)  # the tone's level: the resident hears the clinician
    assert PeerConnected(1) in station.events


async def test_a_browser_with_vp8_only_is_served_vp8(station: Station) -> None:
    peer = station.peer(vp8_only=True)
    await station.media.open()
    await station.connect(peer)
    station.engine.open()

    await peer.gets("video", 30)
    await station.shows(station.remote, 30)

    assert "H264" not in peer.pc.localDescription.sdp
    assert (peer.pictures[-1].width, peer.pictures[-1].height) == (640, 480)


async def test_before_the_gate_opens_nothing_of_the_room_leaves_and_nothing_is_played(station: Station) -> None:
    peer = station.peer()
    await station.media.open()
    await station.connect(peer)
    await station.hears(PeerConnected(1))
    await peer.is_told("ping")
    await station.shows(station.own, 10)  # a second of camera pictures that could have been sent

    assert peer.received == {"video": 0, "audio": 0}
    assert station.remote.read() is None
    assert station.media.levels().speaker_db == -96

    station.engine.open()
    await peer.gets("video", 1)
    await station.shows(station.remote, 1)


async def test_the_gate_shuts_at_the_end_of_a_call_for_the_next(station: Station) -> None:
    first, second = station.peer(), station.peer()
    await station.media.open()
    await station.connect(first, 1)
    station.engine.open()
    await first.gets("video", 1)
    await station.engine.close(bye=True)

    await station.connect(second, 2)
    await station.hears(PeerConnected(2))
    await station.shows(station.own, 10)

    assert second.received == {"video": 0, "audio": 0}


async def test_a_new_generation_in_the_same_call_flows_at_once(station: Station) -> None:
    first, second = station.peer(), station.peer()
    await station.media.open()
    await station.connect(first, 1)
    station.engine.open()
    await first.gets("video", 1)

    await station.connect(second, 2)

    await second.gets("video", 30)
    await station.shows(station.remote, 30)
    with pytest.raises(BadDescription):
        await station.engine.candidate(1, "", None, None)


async def test_a_key_frame_comes_when_the_other_side_asks_for_one(station: Station) -> None:
    peer = station.peer()
    await station.media.open()
    await station.connect(peer)
    station.engine.open()
    await peer.gets("video", 10)
    before = sum(frame.key_frame for frame in peer.pictures)

    await peer.picture_receiver._send_rtcp_pli(peer.picture_source)
    await peer.gets("video", 30)

    assert sum(frame.key_frame for frame in peer.pictures) > before


async def test_garbage_for_an_answer_is_refused_and_the_real_one_still_works(station: Station) -> None:
    peer = station.peer()
    await station.media.open()
    station.engine.open()
    offer = await station.engine.prepare(1, ())
    answer = await peer.answer(offer)

    for garbage in (
        "",
        "v=0",
        "not an answer",
        answer[:400],
        answer.replace("a=fingerprint", "a=fungerprint"),
        re.sub("a=ice-pwd:.*", "a=ice-pwd:short", answer),
        answer.replace("m=video", "m=audio"),
        answer.replace("opus", "solo"),
        answer + "x" * 40_000,
        offer,
    ):
        with pytest.raises(BadDescription):
            await station.engine.answer(1, garbage)
    with pytest.raises(BadDescription):
        await station.engine.answer(2, answer)

    await station.engine.answer(1, answer)
    with pytest.raises(BadDescription):
        await station.engine.answer(1, answer)
    await peer.gets("video", 1)


async def test_a_flood_of_candidates_is_refused_and_costs_the_call_nothing(station: Station) -> None:
    peer = station.peer()
    await station.media.open()
    station.engine.open()
    offer = await station.engine.prepare(1, ())

    refused = 0
    for port in range(2 * MAX_CANDIDATES):
        text = f"candidate:1 1 udp 2113937151 192.0.2.1 {port + 1000} typ host"
        try:
            await station.engine.candidate(1, text, "0", 0)
        except Flood:
            refused += 1
    with pytest.raises(BadDescription):
        await station.engine.candidate(1, "candidate:garbage", "0", 0)
    assert refused == MAX_CANDIDATES

    # The true answer's candidates are over the limit now; the other side's own checks still find us.
    answer = re.sub("a=candidate:.*\r\n", "", await peer.answer(offer))
    await station.engine.answer(1, answer)
    await peer.gets("video", 1)


async def test_an_mdns_candidate_that_nobody_knows_does_not_hold_up_the_answer(
    station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    given_up = asyncio.Event()

    async def nobody_answers(*_: object) -> None:
        await given_up.wait()

    monkeypatch.setattr(MDnsProtocol, "resolve", nobody_answers)
    peer = station.peer()
    await station.media.open()
    station.engine.open()
    answer = await peer.answer(await station.engine.prepare(1, ()))
    unknown = "a=candidate:1 1 udp 2113937151 6a1f9e6c-0b0d-4f5e-9c1f-0123456789ab.local 50000 typ host\r\n"
    answer = answer.replace("a=ice-ufrag", unknown + "a=ice-ufrag", 1)

    async with asyncio.timeout(20):
        await station.engine.answer(1, answer)
    await peer.gets("video", 1)
    given_up.set()


async def test_dead_ice_servers_hold_up_the_offer_for_two_seconds_at_most(station: Station) -> None:
    dead = (
        IceServer(("stun:192.0.2.1:3478",)),
        IceServer(("turn:192.0.2.1:3478?transport=udp",), "someone", "something"),
        IceServer(("not a server",)),
    )
    watch = Stopwatch()
    offer = await station.engine.prepare(1, dead)
    assert watch.within(2.5), watch
    assert "typ host" in offer


async def test_what_the_clinician_says_on_the_control_channel_is_told(station: Station) -> None:
    peer = station.peer()
    await station.connect(peer)
    await station.hears(PeerConnected(1))

    peer.control.send("garbage")
    peer.control.send("{}" * 4000)
    peer.say(type="media", camera=False, microphone=True)
    await station.hears(PeerMedia(1, camera=False, microphone=True))
    assert station.engine.refused == 2
    peer.say(type="bye")
    await station.hears(PeerBye(1))
    await station.engine.close()
    assert station.engine.refused == 2, "the count outlives the connection"


async def test_the_clinician_is_told_of_our_devices_and_of_the_end(station: Station) -> None:
    peer = station.peer()
    station.engine.tell_media(camera=False, microphone=True)
    await station.connect(peer)
    assert await peer.is_told("media") == {"type": "media", "camera": False, "microphone": True}

    await station.engine.close(bye=True)

    assert await peer.is_told("bye") == {"type": "bye"}


async def test_a_peer_that_closes_its_page_is_lost_at_once(tmp_path: Path) -> None:
    """On a clock that stands still: nothing is waited for, its silence least of all."""
    station = Station(tmp_path, ManualClock())
    try:
        peer = station.peer()
        await station.connect(peer)
        await station.hears(PeerConnected(1))

        await peer.close()

        await station.hears(PeerLost(1))
    finally:
        await station.close()


async def test_a_peer_with_another_certificate_than_it_said_fails_and_gets_nothing(station: Station) -> None:
    peer = station.peer()
    await station.media.open()
    station.engine.open()
    answer = await peer.answer(await station.engine.prepare(1, ()))
    other = ":".join(["AB"] * 32)

    await station.engine.answer(1, re.sub(r"a=fingerprint:sha-256 .*", f"a=fingerprint:sha-256 {other}\r", answer))

    await station.until(lambda: any(isinstance(event, PeerFailed) for event in station.events))
    assert peer.received == {"video": 0, "audio": 0}


async def test_silence_for_one_and_a_half_seconds_is_a_loss_and_a_word_brings_it_back(tmp_path: Path) -> None:
    clock = ManualClock()
    station = Station(tmp_path, clock)
    try:
        peer = station.peer()
        await station.connect(peer)
        await station.hears(PeerConnected(1))
        await peer.fall_silent()
        peer.say(type="media", camera=False, microphone=False)  # arrives after all media that was still on the way
        await station.hears(PeerMedia(1, camera=False, microphone=False))

        await clock.advance(1.4)
        assert PeerLost(1) not in station.events
        await clock.advance(0.35)
        assert PeerLost(1) in station.events

        peer.say(type="ping")
        await station.hears(PeerBack(1))
    finally:
        await station.close()


async def test_nothing_is_left_behind(station: Station) -> None:
    before = set(threading.enumerate())
    for generation in (1, 2, 3):
        peer = station.peer()
        await station.media.open()
        await station.connect(peer, generation)
        station.engine.open()
        await peer.gets("video", 1)
        await station.engine.close(bye=True)
        await station.media.close()
        await peer.close()
        assert not list(station.runtime_dir.iterdir()), "no ring is left"

    left = {thread.name for thread in set(threading.enumerate()) - before}
    assert all(name.startswith("asyncio_") for name in left)
    assert asyncio.all_tasks() == {asyncio.current_task()}
