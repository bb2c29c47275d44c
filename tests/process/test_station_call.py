"""The real `station call` process, a real broker with mutual TLS, and real media to and fro."""

from __future__ import annotations

import signal
import time
from dataclasses import replace
from pathlib import Path

import pytest

from kiosk_ui.screen.shown import Noticed
from kiosk_ui.screen.view import screen_view
from messaging.call import (
    MAX_CANDIDATES,
    Accept,
    Alerting,
    Answer,
    Candidate,
    Connected,
    Devices,
    Hangup,
    Invite,
    Lost,
    Media,
    Offer,
    Rejected,
    Request,
    Ringing,
    Status,
    to_data,
)
from messaging.link.local import LocalServer
from messaging.local import AGENT_SOCKET, AgentView
from messaging.twin import Config
from tests.kits.promptness import Stopwatch
from tests.kits.servers.broker import Broker
from tests.process.call_stage import STATION, BrowserDouble, Stage, answered, some_call, staged

pytestmark = pytest.mark.system


async def call_by_press(stage: Stage) -> tuple[str, BrowserDouble]:
    """The resident presses, a clinician answers, and pictures flow."""
    await stage.ready()
    stage.screen.press()
    call, _ = await stage.region.hears(Request)
    await stage.region.tells(call, Ringing("Doctors Demo"))
    _, offer = await stage.region.hears(Offer, call)
    browser = await answered(stage, call, offer.sdp)
    await stage.region.hears(Connected, call)
    await browser.sees(5)
    await browser.until(lambda: {"type": "ping"} in browser.control or None, "the control channel works")
    return call, browser


async def test_a_press_becomes_a_call_with_pictures_and_sound_both_ways(stage: Stage) -> None:
    call, browser = await call_by_press(stage)
    view = await stage.screen.shows(
        lambda v: v.state == "in_call" and v.peer_name == "Ann Demo", "the clinician's name"
    )
    assert (view.call, view.light, view.outgoing) == (call, "live", True)
    await browser.sees(30)
    await browser.until(lambda: browser.loudest > 500 or None, "the station's microphone is heard")
    await stage.region.until(
        lambda: stage.region.presence if stage.region.presence and stage.region.presence.call == call else None,
        "presence tells the call",
    )
    assert (stage.station.runtime_dir / "remote.ring").exists()

    stage.screen.press()
    _, hangup = await stage.region.hears(Hangup, call)
    assert hangup.reason == "resident_left"
    await browser.until(lambda: {"type": "bye"} in browser.control or None, "the browser is told directly too")
    view = await stage.screen.state("feedback")
    assert (view.light, view.reason) == ("off", "resident_left")


async def test_the_clinician_calls_and_nothing_of_the_room_is_seen_before_the_press(stage: Stage) -> None:
    await stage.ready()
    call = some_call()
    await stage.region.tells(call, Invite("Ann Demo", "GP"))
    _, alerting = await stage.region.hears(Alerting, call)
    assert alerting.devices == Devices()
    _, offer = await stage.region.hears(Offer, call)
    browser = await answered(stage, call, offer.sdp)
    await browser.until(lambda: {"type": "ping"} in browser.control or None, "the transports are connected")
    view = await stage.screen.state("ringing")
    assert (view.light, view.peer_name, browser.pictures) == ("ringing", "Ann Demo", 0)

    stage.screen.press()
    await stage.region.hears(Accept, call)
    await stage.region.hears(Connected, call)
    await browser.sees(30)
    await stage.region.tells(call, Hangup("clinician_left"))
    await stage.screen.shows(lambda v: v.state == "feedback" and v.reason == "clinician_left", "how it ended")


async def test_called_again_in_the_moment_of_the_hang_up_it_rings_once_the_camera_is_closed(stage: Stage) -> None:
    call, _ = await call_by_press(stage)
    again = some_call()
    await stage.region.tells(call, Hangup("clinician_left"))
    await stage.region.tells(again, Invite("Ann Demo", "GP"))
    await stage.region.hears(Alerting, again)
    view = await stage.screen.state("ringing")
    assert (view.call, view.light) == (again, "ringing"), "the room is not seen until there is another press"


async def test_bad_input_costs_a_running_call_nothing(stage: Stage) -> None:
    call, browser = await call_by_press(stage)
    region = stage.region
    good = await region.tells(call, Rejected("for_the_replay"))
    early, late = (region.sealer.seal(to_data(Rejected(word))) for word in ("early", "late"))
    for payload in (b"", b"\xff\xfe", b"not json", b'{"v":1}', b'{"v":7,"id":"x"}', b"[" * 20_000, good, late, early):
        await region.throws(call, payload)
    await region.throws(call, b'{"pad":"' + b"x" * 80_000 + b'"}')
    await region.throws(call, region.sealer.seal({"type": "answer", "generation": 1, "sdp": 5}))
    await region.tells(call, Answer(1, "v=0\r\ngarbage"))
    for number in range(MAX_CANDIDATES + 40):
        await region.tells(call, Candidate(1, f"candidate:{number} 1 udp 1 192.0.2.1 {2000 + number} typ host", "0", 0))
    await region.tells(some_call(), Answer(1, "v=0"))
    foreign = some_call()
    await region.tells(foreign, Invite("Somebody Else"))
    assert (await region.hears(Hangup, foreign))[1].reason == "busy"

    await browser.sees(30)
    view = await stage.screen.shows(lambda v: v.refused_messages > 30, "what was refused is counted")
    assert (view.state, view.call) == ("in_call", call)
    assert region.heard_nothing_of(Lost)


async def test_garbage_for_an_answer_is_refused_and_the_proper_one_still_connects(stage: Stage) -> None:
    await stage.ready()
    stage.screen.press()
    call, _ = await stage.region.hears(Request)
    await stage.region.tells(call, Ringing("Doctors Demo"))
    _, offer = await stage.region.hears(Offer, call)
    await stage.region.tells(call, Answer(1, "v=0\r\nthis is no session description\r\n"))
    assert (await stage.region.hears(Rejected, call))[1].code == "malformed"
    browser = await answered(stage, call, offer.sdp)
    await stage.region.hears(Connected, call)
    await browser.sees(5)


async def test_a_second_press_in_each_state_undoes_the_first(stage: Stage) -> None:
    await stage.ready()
    stage.screen.press()
    stage.screen.press()
    call, _ = await stage.region.hears(Request)
    assert (await stage.region.hears(Hangup, call))[1].reason == "cancelled"
    await stage.screen.state("feedback")
    stage.screen.press()
    await stage.screen.state("idle")

    stage.screen.press()
    call, _ = await stage.region.hears(Request)
    await stage.region.tells(call, Ringing("Doctors Demo"))
    stage.screen.press()  # while the offer is being made
    await stage.region.hears(Hangup, call)
    await stage.screen.state("feedback")
    stage.screen.press()
    await stage.screen.state("idle")

    call, _ = await call_by_press(stage)
    stage.screen.press()
    assert (await stage.region.hears(Hangup, call))[1].reason == "resident_left"


async def test_a_browser_that_vanishes_is_noticed_by_the_media_and_may_come_back(stage: Stage) -> None:
    call, browser = await call_by_press(stage)
    gone = Stopwatch()
    browser.vanishes()
    await stage.region.hears(Lost, call)
    assert gone.within(4.0), f"by the missing media: 1.5 to 1.75 s on a quiet machine, not {gone}"
    assert (await stage.screen.state("connecting")).resuming

    _, offer = await stage.region.hears(Offer, call)
    assert offer.generation == 2
    again = await answered(stage, call, offer.sdp, 2)
    await again.sees(5)
    assert not (await stage.screen.state("in_call")).resuming


async def test_a_page_reloaded_while_it_rings_finds_a_new_offer(stage: Stage) -> None:
    await stage.ready()
    call = some_call()
    await stage.region.tells(call, Invite("Ann Demo", "GP"))
    _, offer = await stage.region.hears(Offer, call)
    browser = await answered(stage, call, offer.sdp)
    await browser.until(lambda: {"type": "ping"} in browser.control or None, "the transports are connected")
    await browser.close()
    _, offer = await stage.region.hears(Offer, call)
    assert offer.generation == 2
    again = await answered(stage, call, offer.sdp, 2)
    await stage.screen.state("ringing")
    stage.screen.press()
    await stage.region.hears(Connected, call)
    await again.sees(5)


async def test_a_broker_that_is_away_at_the_press_is_said_at_once_and_nothing_is_queued(stage: Stage) -> None:
    await stage.ready()
    stage.broker.stop()
    await stage.screen.state("offline")
    before = time.monotonic()
    stage.screen.press()
    view = await stage.screen.shows(lambda v: v.presses_refused == 1, "the press is refused")
    print(f"said after {(time.monotonic() - before) * 1000:.0f} ms")
    assert view.state == "offline"
    stage.broker.start()
    await stage.ready()
    await stage.region.until(lambda: stage.region.link.is_up or None, "the region is back")
    stage.screen.press()
    call, _ = await stage.region.hears(Request)
    stage.screen.press()
    await stage.region.hears(Hangup, call)
    assert stage.region.heard_nothing_of(Request)


async def test_a_call_goes_on_without_the_broker(stage: Stage) -> None:
    call, browser = await call_by_press(stage)
    stage.broker.stop(kill=True)
    await browser.sees(30)
    assert stage.screen.view is not None and stage.screen.view.state == "in_call"
    stage.broker.start()
    _, status = await stage.region.hears(Status, call)
    assert (status.state, status.generation) == ("in_call", 1)
    await browser.sees(5)


async def test_a_hangup_while_the_broker_is_away_reaches_both_sides(stage: Stage) -> None:
    call, browser = await call_by_press(stage)
    stage.broker.stop(kill=True)
    stage.screen.press()
    await browser.until(lambda: {"type": "bye"} in browser.control or None, "the clinician is told directly")
    stage.broker.start()
    assert (await stage.region.hears(Hangup, call))[1].reason == "resident_left"


async def test_the_clinician_hangs_up_while_the_broker_is_away(stage: Stage) -> None:
    _, browser = await call_by_press(stage)
    stage.broker.stop(kill=True)
    await browser.says({"type": "bye"})
    view = await stage.screen.state("feedback")
    assert view.reason == "clinician_left"


async def test_killed_in_a_call_it_is_ready_for_a_press_again_and_knows_of_no_call(stage: Stage) -> None:
    call, _ = await call_by_press(stage)
    await stage.region.until(
        lambda: stage.region.presence if stage.region.presence and stage.region.presence.call == call else None,
        "presence tells the call",
    )
    boot = stage.region.presence.boot
    await stage.station.end(signal.SIGKILL)
    await stage.station.start()
    view = await stage.screen.state("idle")
    print(f"ready for a press {time.monotonic() - stage.station.started:.2f} s after its start")
    assert view.boot != boot
    await stage.region.until(
        lambda: stage.region.presence if stage.region.presence and stage.region.presence.boot == view.boot else None,
        "the new run says that it is there",
    )
    assert stage.region.presence.call is None
    stage.screen.press()
    await stage.region.hears(Request)


async def test_an_orderly_end_in_a_call_is_told_to_both(stage: Stage) -> None:
    call, browser = await call_by_press(stage)
    assert await stage.station.end() == 0
    assert (await stage.region.hears(Hangup, call))[1].reason == "station_restarted"
    assert {"type": "bye"} in browser.control
    await stage.region.until(
        lambda: stage.region.presence if stage.region.presence and stage.region.presence.state == "offline" else None,
        "presence says offline",
    )


async def test_a_broker_that_falls_silent_is_told_to_the_resident_within_seconds(stage: Stage) -> None:
    await stage.ready()
    stage.broker.fall_silent()
    try:
        stage.screen.press()
        await stage.screen.state("calling")
        view = await stage.screen.state("feedback")
        assert view.reason == "link_down"
    finally:
        stage.broker.speak_again()
    # Should the request have got through after all, then so does its end.
    assert (await stage.region.hears(Hangup))[1].reason == "link_down"


class TestTheAgent:
    async def test_its_config_is_in_force_and_stays_when_it_dies(self, stage: Stage) -> None:
        await stage.ready()
        agent = LocalServer(stage.station.runtime_dir / AGENT_SOCKET, lambda message, reply: None)
        await agent.start()
        nobody = AgentView("up", True, STATION, "ntp", Config(volume=25))
        agent.show(nobody)
        view = await stage.screen.state("fault")
        assert (view.fault, view.volume) == ("no_clinic", 25)
        agent.show(replace(nobody, config=Config(clinic="Doctors Demo", volume=40)))
        await stage.ready()
        await agent.stop()
        await call_by_press(stage)
        assert stage.screen.view is not None and stage.screen.view.volume == 40

    async def test_it_may_come_and_go_in_a_call(self, stage: Stage) -> None:
        call, browser = await call_by_press(stage)
        for _ in range(2):
            agent = LocalServer(stage.station.runtime_dir / AGENT_SOCKET, lambda message, reply: None)
            await agent.start()
            agent.show(AgentView("down", True, STATION, "ntp", Config(clinic="Doctors Demo", volume=55)))
            await stage.screen.shows(lambda v: v.volume == 55, "the agent was heard")
            await agent.stop()
        await browser.sees(15)
        assert stage.screen.view is not None and (stage.screen.view.state, stage.screen.view.call) == ("in_call", call)


class TestDevices:
    @pytest.mark.parametrize(
        ("lacks", "camera", "microphone", "words"),
        [
            ("camera", False, True, "not see you"),
            ("microphone", True, False, "not hear you"),
            ("speaker", True, True, "cannot hear"),
        ],
    )
    async def test_a_missing_device_is_a_call_with_the_rest_and_a_clear_word_at_both_ends(
        self, stage: Stage, lacks: str, camera: bool, microphone: bool, words: str
    ) -> None:
        await stage.ready()
        stage.screen.turn(f"unplug_{lacks}")
        await stage.screen.shows(lambda v: getattr(v.devices, lacks) == "missing", "the screen knows")
        stage.screen.press()
        call, request = await stage.region.hears(Request)
        assert request.devices == Devices(**{lacks: "missing"})
        await stage.region.tells(call, Ringing("Doctors Demo"))
        _, offer = await stage.region.hears(Offer, call)
        browser = await answered(stage, call, offer.sdp)
        await stage.region.hears(Connected, call)
        said = {"type": "media", "camera": camera, "microphone": microphone}
        await browser.until(lambda: said in browser.control or None, "said to the browser directly")
        if camera:
            await browser.sees(15)
        if microphone:
            await browser.until(lambda: browser.loudest > 500 or None, "the microphone is heard")
        agent = AgentView("up", True, STATION, "ntp", Config(clinic="Doctors Demo", language="en"))
        shown = screen_view(await stage.screen.state("in_call"), agent, Noticed(time.time(), remote_age=0.1))
        assert words in shown.notice

    async def test_a_microphone_pulled_out_in_the_call_is_told_and_pictures_go_on(self, stage: Stage) -> None:
        call, browser = await call_by_press(stage)
        stage.screen.turn("unplug_microphone")
        _, media = await stage.region.hears(Media, call)
        assert media.devices == Devices(microphone="missing")
        await browser.sees(15)
        stage.screen.turn("plug_microphone")
        _, media = await stage.region.hears(Media, call)
        assert media.devices == Devices()

    async def test_with_nothing_to_call_with_the_station_says_so_and_recovers(self, stage: Stage) -> None:
        await stage.ready()
        for knob in ("unplug_camera", "unplug_microphone", "unplug_speaker"):
            stage.screen.turn(knob)
        view = await stage.screen.state("fault")
        assert (view.fault, view.light) == ("no_devices", "fault")
        stage.screen.turn("plug_speaker")
        stage.screen.press()  # tries again
        await stage.screen.state("idle")

    async def test_a_knob_that_is_none_is_refused(self, stage: Stage) -> None:
        await stage.ready()
        stage.screen.turn("make_coffee")
        await stage.screen.until(lambda: stage.screen.refusals or None, "a refusal")
        assert stage.screen.refusals == ["no_such_knob"]


async def test_a_station_that_is_not_enrolled_says_so_and_starts_once_it_is(broker: Broker, tmp_path: Path) -> None:
    async with staged(broker, tmp_path / "station", enrolled=False) as stage:
        view = await stage.screen.state("fault")
        assert view.fault == "not_enrolled"
        stage.station.enrol(broker)
        await stage.ready()


async def test_it_is_quick_to_be_ready(stage: Stage) -> None:
    await stage.ready()
    print(f"ready for a press {time.monotonic() - stage.station.started:.2f} s after its start")
    await stage.region.until(lambda: stage.region.presence, "presence")
