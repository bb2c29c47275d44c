"""Which signed command is taken: nothing sent elsewhere than it was signed for, nothing twice, nothing too late."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.agent.commands.errors import OtherOrder
from device.agent.commands.judging import MOST_OPEN, Standing, judge
from messaging.codec import encode
from messaging.command import LONGEST_S, ORDERS, CommandType, Message, Order, Progress, Restart, Volume, Wipe
from messaging.errors import MessageError, StaleMessage
from messaging.signed import Word
from messaging.topics import Topic

STATION = "st-k3m9q2x7"
CID = "0123456789abcdef"
NOW = 1_800_000_000.0
BODIES: dict[CommandType, Order] = {
    "restart": Restart("call"), "volume": Volume(40), "wipe": Wipe(STATION),
    "message": Message("Vi kommer kl. 10"),
}  # fmt: skip


def word(kind: CommandType = "volume", body: Any = None, issued: float = NOW, lasts: float = 600.0) -> Word:
    said = encode(BODIES[kind]) if body is None and kind in BODIES else body or {}
    return Word("command", STATION, issued, said, issued + lasts, cid=CID, type=kind)


def topic(kind: str = "volume", cid: str = CID) -> Topic:
    return Topic(STATION, "dn", "cmd", (kind, cid))


def standing(now: float = NOW + 1, **differs: Any) -> Standing:
    return Standing(**{"known": False, "floor": 0.0, "open": 0, "now": now, "trusted": True, **differs})


@pytest.mark.parametrize("kind", sorted(ORDERS))
def test_what_is_signed_in_time_for_this_place_is_taken(kind: CommandType) -> None:
    assert judge(topic(kind), word(kind), standing()) == Progress("init")


@pytest.mark.parametrize("where", [topic("restart"), topic(cid="f" * 16), topic("volume_", CID)])
def test_a_word_sent_as_another_command_than_was_signed_is_refused(where: Topic) -> None:
    with pytest.raises(OtherOrder):
        judge(where, word(), standing())


def test_what_is_known_is_told_again_and_not_done_again() -> None:
    assert judge(topic(), word(), standing(known=True)) is None
    assert judge(topic(), word(), standing(known=True, floor=NOW + 9, now=NOW + LONGEST_S)) is None


def test_what_may_have_been_forgotten_is_refused_for_ever() -> None:
    with pytest.raises(StaleMessage):
        judge(topic(), word(), standing(floor=NOW))
    assert judge(topic(), word(issued=NOW + 0.001), standing(floor=NOW)) == Progress("init")


def test_what_has_expired_is_answered_and_a_clock_that_nobody_trusts_calls_nothing_so() -> None:
    late = NOW + 600
    assert judge(topic(), word(), standing(late)) == Progress("failed", "expired")
    assert judge(topic(), word(), standing(late - 1)) == Progress("init")
    assert judge(topic(), word(), standing(late, trusted=False)) == Progress("init")
    assert judge(topic(), word(), standing(NOW + 1e9, trusted=False)) == Progress("init")


@pytest.mark.parametrize(
    ("kind", "body", "reason"),
    [
        ("volume", {"percent": 101}, "malformed"), ("volume", {"x": 1}, "malformed"),
        ("restart", {"process": "sshd"}, "malformed"), ("wipe", {"station": "st-another1"}, "another_station"),
    ],
)  # fmt: skip
def test_an_order_that_cannot_be_meant_is_answered_in_a_word(kind: CommandType, body: Any, reason: str) -> None:
    assert judge(topic(kind), word(kind, body), standing()) == Progress("failed", reason)


def test_a_heap_of_orders_is_not_taken() -> None:
    assert judge(topic(), word(), standing(open=MOST_OPEN - 1)) == Progress("init")
    assert judge(topic(), word(), standing(open=MOST_OPEN)) == Progress("failed", "too_many")


@given(
    kind=st.sampled_from(sorted(ORDERS)), body=st.dictionaries(st.text(max_size=8), st.integers() | st.text()),
    where=st.sampled_from(sorted(ORDERS)), issued=st.floats(1, 1e11), lasts=st.floats(1, LONGEST_S - 1),
    known=st.booleans(), floor=st.floats(0, 1e11), now=st.floats(0, 1e11), trusted=st.booleans(),
    waiting=st.integers(0, 99),
)  # fmt: skip
def test_nothing_is_begun_that_is_old_expired_unknown_or_elsewhere(
    kind: CommandType, body: dict[str, Any], where: str, issued: float, lasts: float, known: bool, floor: float,
    now: float, trusted: bool, waiting: int,
) -> None:  # fmt: skip
    said = Word("command", STATION, issued, body, issued + lasts, cid=CID, type=kind)
    try:
        first = judge(topic(where), said, Standing(known, floor, waiting, now, trusted))
    except MessageError:
        assert where != kind or issued <= floor
        return
    assert where == kind
    if first is None:
        assert known
    elif first.state == "init":
        assert issued > floor
        assert not (trusted and now >= issued + lasts)
        assert waiting < MOST_OPEN
    else:
        assert first.state == "failed"
        assert first.reason in {"expired", "unsupported", "malformed", "another_station", "too_many"}
