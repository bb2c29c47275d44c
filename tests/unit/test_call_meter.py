"""The figures of a call, through the real service: when they begin and end, what the page is told, and until when
they are held for the agent."""

from __future__ import annotations

from dataclasses import replace

from device.call import events as e
from device.call.meter import MOST_KEPT, TELL_AGAIN_S
from device.call.samples import Heard, Received, Sample, Sent
from messaging.call import Answer, Hangup, Ringing
from tests.kits.station.call import CALL, House, living


def after(seconds: float, generation: int = 1, loss: float = 0.0) -> Sample:
    """The counters of a peer that has been there for so long, on a good line but for the loss of what is sent."""
    return Sample(
        generation,
        Sent(4000 * seconds, 200_000 * seconds, 30 * seconds, loss, 1280, 720, 1800, 0.04),
        Received(4000 * seconds, 250_000 * seconds, 30 * seconds, 200 * seconds, 0, 0, 0, 1280, 720),
        Heard(50 * seconds, 0, 0, 0, 0, 45),
        "direct",
        "H264",
    )


async def passes(house: House, seconds: int, generation: int = 1, loss: float = 0.0, begin: int = 0) -> None:
    """So many seconds, as the process's own tick has them."""
    for second in range(begin + 1, begin + seconds + 1):
        await house.clock.advance(1.0)
        house.engine.line = after(second, generation, loss)
        house.service.measure()


async def begin(house: House) -> None:
    house.engine.line = after(0)
    await house.in_call()


def told(house: House) -> list[str]:
    return [each for each in house.engine.done if each.startswith("quality")]


async def test_what_the_call_was_like_is_there_when_it_has_ended_and_stays_until_the_agent_has_it() -> None:
    async with living() as house:
        await begin(house)
        await passes(house, 30)
        assert house.views[-1].ended == ()
        await house.tells(Hangup("clinician_left"))
        (quality,) = house.views[-1].ended
        assert (quality.call, quality.grade, quality.seconds, quality.resumes) == (CALL, "good", 30, 0)
        assert (quality.out.picture_kbps, quality.into.picture_kbps, quality.out.fps) == (1600, 2000, 30)
        assert (quality.path, quality.codec, quality.encoder) == ("direct", "H264", "x264")
        assert quality.at == house.clock.wall()
        house.service.figures_kept("another")
        assert house.views[-1].ended == (quality,)
        house.service.figures_kept(CALL)
        assert house.views[-1].ended == ()


async def test_connecting_is_timed_from_when_both_had_agreed() -> None:
    async with living() as house:
        await house.press()
        await house.settle()
        await house.tells(Ringing("Doctors Demo"))
        await house.clock.advance(20.0)
        await house.tells(Answer(1, "answer"))
        await house.clock.advance(0.75)
        house.engine.line = after(0)
        house.service.happened(e.PeerConnected(1))
        await passes(house, 12)
        await house.tells(Hangup("clinician_left"))
        assert house.views[-1].ended[0].connect_s == 0.75


async def test_a_call_in_which_the_two_never_met_has_no_figures() -> None:
    async with living() as house:
        await house.press()
        await house.settle()
        await house.tells(Ringing("Doctors Demo"))
        await passes(house, 3)
        await house.press()
        await house.settle()
        assert house.views[-1].ended == ()


async def test_a_lost_line_is_counted_and_what_comes_after_it_too() -> None:
    async with living() as house:
        await begin(house)
        await passes(house, 20)
        house.service.happened(e.PeerLost(1))
        await passes(house, 6, begin=20)
        assert house.service.session.resuming
        house.service.happened(e.PeerBack(1))
        await house.settle()
        house.engine.line = after(0, generation=2)
        await passes(house, 24, generation=2)
        await house.tells(Hangup("clinician_left"))
        (quality,) = house.views[-1].ended
        assert (quality.resumes, quality.lost_s) == (1, 6)
        assert 49 <= quality.seconds <= 51
        assert quality.out.fps == 30, "a new peer's counters begin at nought"
        assert quality.grade == "poor", "more than a tenth of it was without a line"
        assert quality.worst is not None
        assert quality.worst.lost_s == 6


async def test_the_page_is_told_at_once_when_it_gets_worse_and_again_now_and_then() -> None:
    async with living() as house:
        await begin(house)
        await passes(house, 5)
        assert told(house) == ["quality out good", "quality in good"]
        await passes(house, 3, loss=0.3, begin=5)
        assert told(house)[2:] == ["quality out fair", "quality out poor"]
        house.engine.done.clear()
        await passes(house, round(2 * TELL_AGAIN_S), loss=0.3, begin=8)
        assert told(house).count("quality out poor") == 2
        assert told(house).count("quality in good") == 2


async def test_nothing_is_told_to_nobody_while_the_line_is_lost_and_all_of_it_once_it_is_back() -> None:
    async with living() as house:
        await begin(house)
        await passes(house, 5)
        house.engine.done.clear()
        house.service.happened(e.PeerLost(1))
        await passes(house, 4, begin=5)
        assert told(house) == []
        house.service.happened(e.PeerBack(1))
        await passes(house, 1, begin=9)
        assert told(house) == ["quality out good", "quality in good"]


async def test_a_station_whose_agent_is_away_for_long_keeps_the_last_few_calls() -> None:
    async with living() as house:
        meter, session = house.service._meter, house.service.session
        await begin(house)
        running = house.service.session
        for number in range(MOST_KEPT + 2):
            assert running.call is not None
            meter.follow(replace(running, call=replace(running.call, id=f"call{number:04}")))
            meter.follow(session)
        assert [quality.call for quality in meter.finished] == [f"call{n:04}" for n in range(2, MOST_KEPT + 2)]


async def test_between_calls_nothing_is_read() -> None:
    async with living() as house:
        house.engine.sample = lambda: 1 / 0  # type: ignore[assignment]
        for _ in range(3):
            await house.clock.advance(1.0)
            house.service.measure()
        assert told(house) == []
