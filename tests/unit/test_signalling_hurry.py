"""The broker behind a dead line: while a call is lost it is not waited for, and connected to anew at once."""

from __future__ import annotations

from device.call.events import LinkDown, LinkUp
from device.call.signalling import ANSWER_S, ASK_S, MOST_PATIENCE_S
from messaging.call import Alerting, Devices, Lost
from tests.kits.servers.memory_broker import MemoryLink
from tests.unit.test_signalling import CALL, CLIENT, Line, connected


def link_of(line: Line) -> MemoryLink:
    link = line.signalling._link
    assert isinstance(link, MemoryLink)
    return link


def downs(line: Line) -> int:
    return sum(isinstance(event, LinkDown) for event in line.events)


async def test_a_message_that_is_not_taken_within_a_second_makes_a_new_connection() -> None:
    async with connected() as line:
        line.broker.silence(CLIENT)
        line.signalling.hurry(True)
        line.signalling.say(CALL, Lost(1))
        await line.clock.advance(ANSWER_S - 0.01)
        assert downs(line) == 0
        await line.clock.advance(0.02)
        assert downs(line) == 1
        assert link_of(line).hurried
        line.broker.restore(CLIENT)
        await line.settle()
        assert isinstance(line.events[-1], LinkUp)
        assert line.said() == [(CALL, Lost(1))], "said once, by the new connection"


async def test_one_that_was_waiting_before_the_call_was_lost_is_not_waited_for_either() -> None:
    async with connected() as line:
        line.broker.silence(CLIENT)
        line.signalling.say(CALL, Alerting(Devices()))
        await line.clock.advance(20)
        assert downs(line) == 0, "nobody is in a hurry"
        line.signalling.hurry(True)
        await line.clock.advance(ANSWER_S + 0.01)
        assert downs(line) == 1


async def test_a_line_that_is_only_slow_is_given_more_time_with_each_try() -> None:
    async with connected() as line:
        line.signalling.hurry(True)
        patience = ANSWER_S
        for tries in range(1, 5):
            line.broker.silence(CLIENT)
            line.signalling.say(CALL, Lost(1))
            await line.clock.advance(patience - 0.01)
            assert downs(line) == tries - 1
            await line.clock.advance(0.02)
            assert downs(line) == tries
            patience = min(2 * patience, MOST_PATIENCE_S)
            # It comes up, and dies again before anything is taken.
            line.broker._silent.clear()
            line.broker.connect(CLIENT)
            line.broker.silence(CLIENT)
            await line.settle()


async def test_with_nothing_to_say_the_broker_is_asked_all_the_same() -> None:
    async with connected() as line:
        line.signalling.hurry(True)
        line.broker.silence(CLIENT)
        await line.clock.advance(ASK_S + ANSWER_S + 0.1)
        assert downs(line) == 1


async def test_a_call_that_is_found_again_ends_the_hurry() -> None:
    async with connected() as line:
        line.signalling.hurry(True)
        line.signalling.hurry(False)
        assert not link_of(line).hurried
        before = len(line.broker.log)
        await line.clock.advance(60)
        assert len(line.broker.log) == before, "nothing is asked"


async def test_an_address_that_is_gone_puts_the_connection_in_doubt() -> None:
    async with connected() as line:
        line.signalling.doubt()
        await line.clock.advance(5)
        assert downs(line) == 0, "it answers: another address was meant"
        line.broker.silence(CLIENT)
        line.signalling.doubt()
        await line.clock.advance(ANSWER_S + 0.01)
        assert downs(line) == 1
