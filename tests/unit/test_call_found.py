"""A station that somebody looks for: its light and its voice, and a press before both."""

from __future__ import annotations

import pytest

from tests.kits.station.call import living


async def test_light_and_voice_say_which_one_it_is_and_a_press_ends_both(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str]] = []
    monkeypatch.setattr("device.media.spoken.speak", lambda *name: asked.append(name) or "the words")
    async with living() as house:
        house.service.answer_to("Her er Stue 12.", "da")
        assert house.service.show_which(20)
        await house.settle()
        assert house.light.pattern == "identify"
        await house.settle()
        assert (house.media.done, asked) == (["identify", "identify"], [("Her er Stue 12.", "da")])
        assert house.views[-1].identifying
        await house.press()
        await house.settle()
        assert (house.state, house.views[-1].identifying) == ("calling", False)
        assert house.media.done[2:] == ["calling", "open"]


async def test_without_a_voice_it_still_sounds_and_blinks(monkeypatch: pytest.MonkeyPatch) -> None:
    from device.media.errors import NoVoice

    def dumb(*_name: str) -> None:
        raise NoVoice("nothing can be said")

    monkeypatch.setattr("device.media.spoken.speak", dumb)
    async with living() as house:
        assert house.service.show_which(20)
        await house.settle()
        assert (house.light.pattern, house.media.done) == ("identify", ["identify"])


async def test_in_a_call_nobody_is_shown_which_one_it_is() -> None:
    async with living() as house:
        await house.in_call()
        assert not house.service.show_which(20)
        await house.settle()
        assert "identify" not in house.media.done
