"""What waits to be taken from a link: in order, bounded, and never lost where the broker would not send it again."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.link.inbox import Inbox, Overfull
from messaging.link.port import Down, Inbound, LinkEvent, Up


def message(number: int, size: int = 1) -> Inbound:
    return Inbound("a/b", b"x" * size, False, number)


async def test_what_comes_is_taken_in_order_and_no_more_than_is_asked_for() -> None:
    inbox = Inbox()
    came: list[LinkEvent] = [Up(False), message(1), message(2), Down("cut")]
    for event in came:
        inbox.put(event)
    assert await inbox.take(3) == came[:3]
    assert await inbox.take(3) == came[3:]


async def test_thousands_that_the_broker_sends_against_its_word_are_all_kept() -> None:
    inbox = Inbox(most_unassured=10)
    for number in range(5000):
        inbox.put(message(number))
    assert [event.token for event in await inbox.take(9999) if isinstance(event, Inbound)] == list(range(5000))
    assert inbox.dropped == 0


async def test_a_flood_without_assurance_is_let_go_and_counted_and_takes_nobodys_place() -> None:
    inbox = Inbox(most_unassured=10)
    for number in range(50):
        inbox.put(message(number), assured=False)
    inbox.put(message(99), assured=True)
    inbox.put(Down("cut"))
    *flood, assured, down = await inbox.take(100)
    assert (len(flood), inbox.dropped) == (10, 40)
    assert (assured, down) == (message(99), Down("cut"))


async def test_one_message_always_finds_room_however_long() -> None:
    inbox = Inbox(most_bytes=10)
    inbox.put(message(1, size=11))
    with pytest.raises(Overfull, match="1 messages wait"):
        inbox.put(message(2))
    await inbox.take()
    inbox.put(message(2))


async def test_forgetting_makes_room() -> None:
    inbox = Inbox(most_bytes=10)
    inbox.put(message(1, size=10))
    inbox.clear()
    inbox.put(message(2, size=10))
    assert await inbox.take() == [message(2, size=10)]


@given(st.lists(st.one_of(st.integers(0, 60), st.just("take")), max_size=80))
def test_no_more_bytes_wait_than_said_and_what_was_taken_in_comes_out(steps: list[int | str]) -> None:
    async def play() -> None:
        inbox, inside, out = Inbox(most_bytes=100), [], []
        for number, step in enumerate(steps):
            if step == "take":
                taken = await inbox.take(3) if inside else []
                out += taken
                inside = inside[len(taken) :]
                assert len(taken) == min(3, len(taken) + len(inside))
                continue
            one = message(number, int(step))
            try:
                inbox.put(one)
            except Overfull:
                assert sum(len(event.payload) for event in inside) + int(step) > 100
            else:
                inside.append(one)
                assert sum(len(event.payload) for event in inside) <= 100
        assert out == sorted(out, key=lambda event: event.token)

    asyncio.run(play())
