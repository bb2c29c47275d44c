"""Devices in a call, on the real chain: a call with what there is."""

from __future__ import annotations

from tests.loopback.conftest import Station


async def test_a_camera_pulled_out_costs_the_pictures_and_not_the_sound_and_heals(station: Station) -> None:
    peer = station.peer()
    await station.media.open()
    await station.connect(peer)
    station.engine.open()
    await peer.gets("video", 10)

    station.sim.camera.unplug()
    await station.until(lambda: station.media.devices().camera == "missing")
    heard = peer.received["audio"]
    await peer.gets("audio", heard + 50)
    assert station.media.devices().microphone == "ok"

    seen = peer.received["video"]
    station.sim.camera.plug()
    await station.until(lambda: station.media.devices().camera == "ok")
    await peer.gets("video", seen + 10)
    assert [change.camera for change in station.changes] == ["missing", "ok"]


async def test_a_call_without_camera_and_microphone_still_shows_and_plays_the_clinician(station: Station) -> None:
    station.sim.camera.unplug()
    station.sim.microphone.unplug()
    peer = station.peer()
    devices = await station.media.open()
    await station.connect(peer)
    station.engine.open()

    await station.shows(station.remote, 30)
    assert (devices.camera, devices.microphone, devices.speaker) == ("missing", "missing", "ok")
    await station.plays(-23)
    assert peer.received == {"video": 0, "audio": 0}


async def test_a_call_without_a_speaker_is_still_seen(station: Station) -> None:
    station.sim.speaker.unplug()
    peer = station.peer()
    devices = await station.media.open()
    await station.connect(peer)
    station.engine.open()

    await peer.gets("video", 30)
    await station.shows(station.remote, 30)
    assert devices.speaker == "missing"


async def test_a_tone_opens_the_speaker_alone(station: Station) -> None:
    await station.media.play("ring")
    assert station.sim.speaker.is_open
    assert not station.sim.camera.is_open
    assert not station.sim.microphone.is_open

    await station.media.play("none")
    assert not station.sim.speaker.is_open


async def test_the_room_is_shut_again_after_the_call(station: Station) -> None:
    await station.media.play("ring")
    await station.media.open()
    await station.media.play("none")
    assert station.sim.camera.is_open
    assert station.sim.speaker.is_open, "the call still needs it"

    await station.media.close()
    assert not station.sim.camera.is_open
    assert not station.sim.microphone.is_open
    assert not station.sim.speaker.is_open
    assert station.media.levels().microphone_db == -96


async def test_the_own_picture_is_small_and_a_few_times_a_second(station: Station) -> None:
    await station.media.open()
    pictures = await station.shows(station.own, 10)
    assert {(picture.width, picture.height) for picture in pictures} == {(320, 240)}
    seconds = (pictures[-1].captured_us - pictures[0].captured_us) / 1e6
    steps = pictures[-1].sequence - pictures[0].sequence
    assert 3 <= steps / seconds <= 12, "fewer only on a machine that is very busy"
