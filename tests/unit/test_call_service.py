"""The shell around the session: nothing blocks the button, and what was begun is ended in order."""

from __future__ import annotations

import asyncio

import pytest

from device.call import events as e
from device.call.errors import DevicesStuck
from device.media.errors import BadDescription, Flood, MediaError
from messaging.call import (
    Answer,
    Candidate,
    Devices,
    Hangup,
    Offer,
    Rejected,
    Request,
    Ringing,
)
from messaging.envelope import open_envelope
from messaging.local import Levels
from messaging.topics import parse
from tests.kits.station.call import CALL, House, living


async def test_a_call_from_press_to_rest() -> None:
    async with living() as house:
        await house.in_call()
        assert (house.state, house.views[-1].state) == ("in_call", "in_call")
        assert house.engine.done == ["media True True", "prepare 1", "answer 1", "gate", "keep 1"]
        await house.press()
        await house.settle()
        assert (house.state, house.media.done) == ("feedback", ["calling", "open", "none", "close"])
        assert house.engine.done[-1] == "close with bye"
        await house.clock.advance(8)
        assert house.state == "idle"


async def test_the_light_is_on_before_the_camera_opens() -> None:
    async with living() as house:
        await house.press()
        await house.settle()
        assert house.media.light_at_open == "calling"


async def test_a_press_is_taken_while_the_offer_is_being_made_and_cuts_it_short() -> None:
    async with living() as house:
        house.engine.hold.clear()
        await house.press()
        await house.settle()
        await house.tells(Ringing("Doctors Demo"))
        await house.press()
        assert house.state == "ending"
        await house.settle()
        assert house.engine.done == ["media True True", "prepare 1 cut short", "close with bye"]
        assert not any(isinstance(message, Offer) for message in house.said())


async def test_a_press_is_taken_while_the_camera_is_still_opening_and_it_closes_after_that() -> None:
    async with living() as house:
        house.media.hold.clear()
        await house.press()
        await house.settle()
        await house.press()
        assert (house.state, house.views[-1].light) == ("ending", "live")
        house.media.hold.set()
        await house.settle()
        assert house.media.done == ["calling", "open", "none", "close"]
        assert (house.state, house.views[-1].light) == ("feedback", "off")


async def test_a_camera_that_does_not_close_keeps_the_light_on_and_ends_the_process() -> None:
    async with living() as house:
        running = asyncio.create_task(house.service.run())
        await house.in_call()
        house.media.hold.clear()
        await house.press()
        await house.clock.advance(2)
        assert (house.state, house.views[-1].light) == ("feedback", "live")
        await house.clock.advance(8)
        with pytest.raises(ExceptionGroup) as raised:
            await running
        assert raised.group_contains(DevicesStuck)
        house.media.hold.set()


async def test_an_offer_that_cannot_be_made_ends_the_call() -> None:
    async with living() as house:
        house.engine.error = MediaError("no port left")
        await house.press()
        await house.tells(Ringing("Doctors Demo"))
        assert (house.state, house.views[-1].reason) == ("feedback", "connection_failed")
        assert Hangup("connection_failed") in house.said()


async def test_garbage_for_an_answer_is_refused_and_the_next_one_is_taken() -> None:
    async with living() as house:
        await house.press()
        await house.tells(Ringing("Doctors Demo"))
        house.engine.error = BadDescription("no session description")
        await house.tells(Answer(1, "garbage"))
        assert house.said()[-1] == Rejected("malformed")
        await house.tells(Answer(1, "answer"))
        assert "answer 1" in house.engine.done


async def test_a_flood_of_candidates_is_refused_and_counted() -> None:
    async with living() as house:
        await house.in_call()
        house.engine.error = Flood("too many")
        await house.tells(Candidate(1, "candidate:1"))
        assert house.said()[-1] == Rejected("flood")
        house.service.show()
        assert house.views[-1].refused_messages == 1
        assert house.state == "in_call"


async def test_what_the_browser_says_amiss_is_counted_with_what_the_region_does() -> None:
    async with living() as house:
        await house.in_call()
        await house.tells(Ringing("Doctors Demo"))
        house.engine.refused = 2
        house.service.show()
        assert house.views[-1].refused_messages == 3
        assert house.state == "in_call"


async def test_a_peer_connection_that_breaks_at_the_answer_is_made_anew() -> None:
    async with living() as house:
        await house.press()
        await house.tells(Ringing("Doctors Demo"))
        house.engine.error = MediaError("codec")
        await house.tells(Answer(1, "answer"))
        assert (house.state, house.said()[-1]) == ("connecting", Offer(2, "offer 2"))


async def test_a_camera_that_comes_and_goes_in_the_call_is_told_to_the_browser_directly() -> None:
    async with living() as house:
        await house.in_call()
        house.service.happened(e.DevicesChanged(Devices(camera="missing")))
        assert house.engine.done[-1] == "media False True"


async def test_levels_are_measured_only_while_devices_are_open() -> None:
    async with living() as house:
        assert house.service.levels() is None
        await house.in_call()
        assert house.service.levels() == Levels(-20, -30, 15, 15)


async def test_a_fault_is_over_when_the_device_is_found_again() -> None:
    nothing = Devices("missing", "missing", "missing")
    async with living(House(begin_with=nothing)) as house:
        assert house.views[-1].fault == "no_devices"
        await house.press()  # looks again
        await house.settle()
        assert house.state == "idle"


async def test_it_is_not_looked_for_devices_in_a_call() -> None:
    async with living() as house:
        await house.in_call()
        house.media.present = Devices(camera="missing")
        house.service.look_again()
        await house.settle()
        assert house.service.session.devices == Devices()


async def test_an_orderly_end_closes_all_and_tells_both_sides() -> None:
    async with living() as house:
        await house.in_call()
        await house.service.stop()
        assert house.said()[-1] == Hangup("station_restarted")
        assert house.engine.done[-1] == "close with bye"
        assert (house.media.done[-1], house.light.pattern) == ("close", "off")


async def test_an_end_with_a_stuck_device_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("device.call.service._CLOSE_S", 0.01)
    async with living() as house:
        await house.in_call()
        house.media.hold.clear()
        await house.service.stop()
        assert house.said()[-1] == Hangup("station_restarted")
        house.media.hold.set()


async def test_being_stuck_is_known_to_the_watchdog() -> None:
    async with living() as house:
        house.engine.hold.clear()
        await house.press()
        await house.tells(Ringing("Doctors Demo"))
        assert house.service.makes_progress()
        await house.clock.advance(25)
        assert not house.service.makes_progress()
        house.engine.hold.set()


async def test_before_it_is_enrolled_nothing_is_said_and_nothing_breaks() -> None:
    house = House()
    house.service.signalling = None
    house.service.happened(e.Configured(enrolled=False, clinic=False))
    house.service.happened(e.Heard(CALL, Answer(1, "x")))
    await house.press()
    assert (house.state, house.views[-1].presses_refused) == ("fault", 1)


async def test_the_presence_follows_the_call() -> None:
    async with living() as house:
        await house.press()
        await house.settle()
        kinds = [
            open_envelope(payload).data.get("call", "-") if parse(topic).branch == "conn" else "said"
            for client, topic, payload in house.broker.log
            if client == "call"
        ]
        assert kinds == ["-", "said", CALL]
        assert isinstance(house.said()[0], Request)
