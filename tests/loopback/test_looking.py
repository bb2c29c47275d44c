"""The clinician looks closer, asked by a stock peer through the real channels: what comes back, and what does not."""

from __future__ import annotations

import av
import cv2
import numpy as np
import pytest

from device.call.peer_looking import MOST_A_SECOND
from device.hardware.sim.camera import FULL
from tests.kits.eventually import eventually
from tests.loopback.conftest import Station
from tests.loopback.stock_peer import StockPeer


async def in_call(station: Station) -> StockPeer:
    """A call with its gate open, and pictures."""
    peer = station.peer()
    await station.media.open()
    await station.connect(peer)
    station.engine.open()
    await peer.gets("video", 5)
    await peer.is_told("view")
    return peer


def luma(picture: av.VideoFrame) -> np.ndarray:
    return cv2.resize(picture.to_ndarray(format="gray"), (64, 48), interpolation=cv2.INTER_AREA).astype(float)


async def newest(peer: StockPeer, more: int = 12) -> np.ndarray:
    """A picture after so many more."""
    await peer.gets("video", peer.received["video"] + more)
    return luma(peer.pictures[-1])


async def test_before_the_resident_has_answered_nothing_is_told_and_nothing_done(station: Station) -> None:
    peer = station.peer()
    await station.media.open()
    await station.connect(peer)
    await peer.is_told("ping")
    peer.say(type="look", x=0.5, y=0.5, size=0.3)
    peer.say(type="still")
    peer.say(type="camera", which="examination")
    peer.say(type="ping")
    await eventually(lambda: station.engine.refused == 3)
    assert station.media.closer.looking == ""
    assert not station.sim.examination.is_open
    assert station.sim.camera.is_open
    assert (peer.views, peer.stills) == ([], [])


async def test_a_part_is_shown_larger_told_and_let_go(station: Station) -> None:
    peer = await in_call(station)
    before = await newest(peer)
    peer.say(type="look", x=0.85, y=0.3, size=0.3)
    view = await peer.hears(lambda view: view["by_hand"] is True)
    assert view["crop"] == {"x": 0.85, "y": 0.3, "size": 0.3}
    assert station.media.closer.looking == "closer"
    await newest(peer)
    closer = luma(peer.pictures[-1])
    expected = cv2.resize(before[7:22, 45:64], (64, 48), interpolation=cv2.INTER_LINEAR)
    assert np.abs(closer - expected).mean() < np.abs(closer - before).mean(), "it is that part"

    own = (await station.shows(station.own, 3))[-1]
    small = np.frombuffer(own.planes, np.uint8)[: own.width * own.height].reshape(own.height, own.width)
    seen = cv2.resize(small, (64, 48), interpolation=cv2.INTER_AREA).astype(float)
    assert np.abs(seen - closer).mean() < np.abs(seen - before).mean(), "the resident sees the same"

    peer.say(type="follow", on=False)
    await peer.hears(lambda view: view["by_hand"] is False and view["crop"]["size"] == 1)  # type: ignore[index]
    assert station.media.closer.looking == ""


async def test_the_second_camera_takes_the_first_one_s_place_and_back(station: Station) -> None:
    peer = await in_call(station)
    room = await newest(peer)
    assert peer.views[-1]["cameras"] == ["room", "examination"]
    peer.say(type="look", x=0.3, y=0.3, size=0.4)
    peer.say(type="camera", which="examination")
    view = await peer.hears(lambda view: view["camera"] == "examination")
    assert (view["by_hand"], view["following"]) == (False, False), "another camera begins with all that it sees"
    assert (station.sim.camera.is_open, station.sim.examination.is_open) == (False, True)
    assert station.media.closer.looking == "examination"
    assert np.abs(await newest(peer) - room).mean() > 20
    heard = peer.received["audio"]
    peer.say(type="camera", which="room")
    await peer.hears(lambda view: view["camera"] == "room")
    assert (station.sim.camera.is_open, station.sim.examination.is_open) == (True, False)
    assert np.abs(await newest(peer) - room).mean() < 10
    await peer.gets("audio", heard + 5)


async def test_a_second_camera_that_is_pulled_out_gives_the_room_back_by_itself(station: Station) -> None:
    peer = await in_call(station)
    peer.say(type="camera", which="examination")
    await peer.hears(lambda view: view["camera"] == "examination")
    station.sim.examination.unplug()
    view = await peer.hears(lambda view: view["camera"] == "room" and view["cameras"] == ["room"])
    assert view["following"] is True
    await newest(peer)
    assert station.sim.camera.is_open
    assert station.media.closer.looking == ""
    await station.until(lambda: station.media.devices().camera == "ok")

    peer.say(type="camera", which="examination")
    peer.say(type="look", x=0.5, y=0.5, size=0.5)
    await peer.hears(lambda view: view["by_hand"] is True)
    assert station.sim.camera.is_open, "what is not there is not switched to"


async def test_a_still_has_every_pixel_of_the_sensor_and_the_call_goes_on(station: Station) -> None:
    peer = await in_call(station)
    peer.say(type="still")
    await eventually(lambda: station.media.closer.looking == "still")
    jpeg = await peer.gets_still()
    picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert picture.shape == (FULL.height, FULL.width, 3)
    assert peer.stills == [{"id": 1, "bytes": len(jpeg), "width": FULL.width, "height": FULL.height}]
    await newest(peer)
    assert station.changes == [], "no fault of the camera's"


async def test_one_still_at_a_time_and_none_of_a_camera_that_is_gone(station: Station) -> None:
    peer = await in_call(station)
    peer.say(type="still")
    peer.say(type="still")
    refused = await peer.is_told("still")
    assert refused["error"] == "busy"
    await peer.gets_still()
    station.sim.camera.unplug()
    await station.until(lambda: station.media.devices().camera == "missing")
    peer.messages.clear()
    peer.say(type="still")
    assert (await peer.is_told("still"))["error"] == "no_camera"


async def test_a_flood_of_looks_is_refused_counted_and_costs_nothing_else(station: Station) -> None:
    peer = await in_call(station)
    for number in range(25 * MOST_A_SECOND):
        peer.say(type="look", x=number / 500, y=0.5, size=0.5)
    peer.say(type="look", x=2, y=0.5, size=0.5)
    await eventually(lambda: station.engine.refused > 5 * MOST_A_SECOND, within_s=30)
    await newest(peer)


@pytest.mark.parametrize("bye", [True, False])
async def test_a_call_that_ends_in_the_middle_of_a_still_leaves_nothing(station: Station, bye: bool) -> None:
    peer = await in_call(station)
    peer.say(type="still")
    await eventually(lambda: peer.stills)
    await station.engine.close(bye)
    await station.media.close()
    assert station.media.closer.looking == ""
    assert not station.sim.camera.is_open
