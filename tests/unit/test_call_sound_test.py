"""The acoustic self-test beside calls: the light is on for it, the button outranks it, a call refuses it."""

from __future__ import annotations

import pytest

from messaging.call import Invite
from messaging.health import SoundTest
from messaging.local import ON_AIR
from tests.kits.station.call import living


async def test_the_light_says_that_the_microphone_is_on_before_it_opens_and_until_it_is_shut() -> None:
    told: list[SoundTest | None] = []
    async with living() as house:
        assert house.service.test_sound(told.append)
        await house.settle()
        assert house.media.light_at_test in ON_AIR
        assert house.light.pattern in ON_AIR
        assert house.views[-1].light in ON_AIR
        house.media.test_hold.set()
        await house.settle()
        assert house.light.pattern == "ready"
        assert [result.heard for result in told if result] == [True]
        assert house.views[-1].sound_test == told[0]


async def test_a_press_ends_the_test_and_makes_its_call() -> None:
    told: list[SoundTest | None] = []
    async with living() as house:
        house.service.test_sound(told.append)
        await house.settle()
        await house.press()
        await house.settle()
        assert house.state == "calling"
        assert told == [None]
        assert house.media.done.index("stop test") < house.media.done.index("open")
        assert house.light.pattern in ON_AIR


async def test_a_press_that_comes_before_the_devices_are_free_leaves_no_test_behind() -> None:
    told: list[SoundTest | None] = []
    async with living() as house:
        house.service.test_sound(told.append)
        await house.press()
        await house.settle()
        assert told == [None]
        assert "test" not in house.media.done
        assert house.state == "calling"


async def test_in_a_call_there_is_no_test() -> None:
    told: list[SoundTest | None] = []
    async with living() as house:
        await house.in_call()
        assert not house.service.test_sound(told.append)
        await house.settle()
        assert (told, "test" in house.media.done) == ([], False)


async def test_two_who_ask_at_once_get_one_test() -> None:
    told: list[SoundTest | None] = []
    async with living() as house:
        assert house.service.test_sound(told.append)
        assert house.service.test_sound(told.append)
        house.media.test_hold.set()
        await house.settle()
        assert house.media.done.count("test") == 1
        assert len(told) == 2


@pytest.mark.parametrize("echo", ["loading", "failed", "device"])
async def test_who_cancels_the_echo_is_in_the_view(echo: str) -> None:
    async with living() as house:
        house.media.echo = echo  # type: ignore[assignment]
        house.service.show()
        assert house.views[-1].echo == echo


async def test_a_call_of_the_clinics_ends_the_test_and_rings_at_once() -> None:
    told: list[SoundTest | None] = []
    async with living() as house:
        house.service.test_sound(told.append)
        await house.settle()
        await house.tells(Invite("Dr. Birk", "gp", ()))
        await house.settle()
        assert (house.state, told) == ("ringing", [None])
        assert house.media.done[-1] == "ring"


async def test_a_test_that_was_cut_short_does_not_begin_again_by_itself() -> None:
    told: list[SoundTest | None] = []
    async with living() as house:
        house.service.test_sound(told.append)
        await house.settle()
        house.media.hold.clear()
        await house.press()
        await house.press()
        house.media.hold.set()
        await house.settle()
        await house.clock.advance(20)
        await house.settle()
        assert (house.state, house.media.done.count("test")) == ("idle", 1)
        assert house.light.pattern == "ready"
