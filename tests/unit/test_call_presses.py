"""The button in every state of the real service: each press is taken at once or refused at once, and told once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import get_args

import pytest

from messaging.call import Accept, Answer, Devices, FromStation, Hangup, Invite, Request, Ringing
from messaging.local import CallState
from tests.kits.station.call import House, living

# How to get the station into each state, and what a press does there: where it leads, and what the region is told.


async def _idle(_: House) -> None:
    """As it is."""


async def _calling(house: House) -> None:
    await house.press()
    await house.settle()


async def _ringing(house: House) -> None:
    await house.tells(Invite("Ann Demo", "GP"))


async def _connecting(house: House) -> None:
    await _calling(house)
    await house.tells(Ringing("Doctors Demo"))
    await house.tells(Answer(1, "answer"))


async def _in_call(house: House) -> None:
    await house.in_call()


async def _ending(house: House) -> None:
    await house.in_call()
    house.media.hold.clear()
    await house.press()
    await house.settle()


async def _feedback(house: House) -> None:
    await house.in_call()
    await house.press()
    await house.settle()


async def _fault(house: House) -> None:
    house.media.present = Devices("missing", "missing", "missing")
    house.service.look_again()
    await house.settle()


async def _offline(house: House) -> None:
    house.broker.cut("call")
    await house.settle()


PRESSES: dict[CallState, tuple[Callable[[House], Awaitable[None]], CallState, list[FromStation]]] = {
    "idle": (_idle, "calling", [Request(Devices())]),
    "calling": (_calling, "feedback", [Hangup("cancelled")]),
    "ringing": (_ringing, "connecting", [Accept()]),
    "connecting": (_connecting, "feedback", [Hangup("resident_left")]),
    "in_call": (_in_call, "feedback", [Hangup("resident_left")]),
    "ending": (_ending, "ending", []),
    "feedback": (_feedback, "idle", []),
    "fault": (_fault, "fault", []),
    "offline": (_offline, "offline", []),
}


@pytest.mark.parametrize("state", get_args(CallState))
async def test_a_press_is_taken_or_refused_at_once_and_told_once(state: CallState) -> None:
    way, leads_to, told = PRESSES[state]
    async with living() as house:
        await way(house)
        assert house.state == state
        before, said = house.views[-1], house.said()
        await house.press()
        assert house.views[-1] != before or state == "ending", "the screen is told before anything else is done"
        await house.settle()
        assert (house.state, house.said()[len(said) :]) == (leads_to, told)
        assert house.views[-1].presses_refused == before.presses_refused + (state in ("fault", "offline"))
        house.media.hold.set()
        if leads_to == "ending":
            await house.settle()
            assert house.state == "feedback"


@pytest.mark.parametrize("state", get_args(CallState))
async def test_a_hand_that_hammers_ends_with_nothing_open_and_nobody_called(state: CallState) -> None:
    way, _, _ = PRESSES[state]
    async with living() as house:
        await way(house)
        house.media.hold.set()
        for _ in range(6):
            await house.press()
            await house.settle()
            if house.state in ("idle", "fault", "offline"):
                break
        await house.clock.advance(10)
        assert house.state in ("idle", "fault", "offline")
        requests = [message for message in house.said() if isinstance(message, Request)]
        hangups = [message for message in house.said() if isinstance(message, Hangup)]
        assert len(hangups) >= len(requests), "every call that was begun has been ended"
        assert house.media.done.count("open") == house.media.done.count("close")


async def test_a_press_while_the_broker_is_away_is_not_made_good_when_it_is_back() -> None:
    async with living() as house:
        await _offline(house)
        for _ in range(3):
            await house.press()
        assert house.views[-1].presses_refused == 3
        house.broker.restore("call")
        await house.clock.advance(60)
        assert (house.state, house.said()) == ("idle", [])
        assert "open" not in house.media.done
