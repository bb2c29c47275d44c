"""When an order's moment is, and what shows afterwards that it was carried out."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.agent.commands.entry import Entry
from device.agent.commands.evidence import Evidence, shown
from device.agent.commands.table import RANK, CallStanding, Moment, moves
from messaging.command import DISTURBING, ORDERS, CommandState, Order, Reboot, Renew, Restart, SelfTest, Volume, Wipe

NOW = 1_800_000_000.0
READY = Moment(NOW, trusted=True, call="none")


def entry(cid: str = "a", kind: str = "volume", state: CommandState = "init", reason: str = "") -> Entry:
    return Entry(cid, "st-k3m9q2x7", kind, NOW - 60, NOW + 60, state=state, reason=reason)


def told(entries: list[Entry], moment: Moment) -> list[tuple[str, str, str]]:
    return [(move.cid, move.progress.state, move.progress.reason) for move in moves(entries, moment)]


def test_an_order_that_nothing_hinders_begins_at_once() -> None:
    assert told([entry()], READY) == [("a", "executing", "")]


def test_one_at_a_time_in_the_order_of_their_coming_and_the_others_hear_that_they_wait() -> None:
    waiting = [entry("a"), entry("b"), entry("c", "renew")]
    assert told(waiting, READY) == [("a", "executing", ""), ("b", "scheduled", "busy"), ("c", "scheduled", "busy")]
    under_way = [entry("a", state="executing"), entry("b", state="scheduled", reason="busy"), entry("c")]
    assert told(under_way, READY) == [("c", "scheduled", "busy")]


@pytest.mark.parametrize("kind", sorted(DISTURBING))
def test_what_disturbs_waits_for_the_end_of_a_call_and_says_why(kind: str) -> None:
    assert told([entry(kind=kind)], replace(READY, call="in_call")) == [("a", "scheduled", "in_call")]
    assert told([entry(kind=kind)], replace(READY, call="unknown")) == [("a", "scheduled", "call_unknown")]
    assert told([entry(kind=kind, state="scheduled", reason="in_call")], READY) == [("a", "executing", "")]


def test_what_need_not_wait_overtakes_what_must() -> None:
    waiting = [entry("a", "reboot"), entry("b", "volume")]
    assert told(waiting, replace(READY, call="in_call")) == [("a", "scheduled", "in_call"), ("b", "executing", "")]


def test_a_clock_that_nobody_trusts_lets_everything_wait_and_nothing_expire() -> None:
    wrong = Moment(NOW + 1e6, trusted=False, call="none")
    assert told([entry(), entry("b", "reboot")], wrong) == [("a", "scheduled", "clock"), ("b", "scheduled", "clock")]
    assert told([entry(state="scheduled", reason="clock")], wrong) == []
    assert told([entry(state="scheduled", reason="clock")], replace(READY, now=NOW + 60)) == [
        ("a", "failed", "expired")
    ]


STATES: tuple[tuple[CommandState, str], ...] = (
    ("init", ""), ("scheduled", "clock"), ("scheduled", "in_call"), ("scheduled", "busy"), ("executing", ""),
)  # fmt: skip
ENTRIES = st.lists(
    st.builds(
        lambda kind, state, expires: replace(entry(kind=kind, state=state[0], reason=state[1]), expires=expires),
        st.sampled_from(sorted(ORDERS)), st.sampled_from(STATES), st.floats(NOW - 100, NOW + 100),
    ),
    max_size=8,
).map(lambda entries: [replace(one, cid=str(number)) for number, one in enumerate(entries)])  # fmt: skip
CALLS: tuple[CallStanding, ...] = ("none", "in_call", "unknown")
MOMENTS = st.builds(Moment, st.floats(NOW - 50, NOW + 50), st.booleans(), st.sampled_from(CALLS))


@given(ENTRIES, st.lists(MOMENTS, min_size=1, max_size=6))
def test_whatever_happens_nothing_goes_back_and_nothing_begins_that_must_wait(
    entries: list[Entry], moments: list[Moment]
) -> None:
    begun_before = [one.cid for one in entries if one.state == "executing"]
    for moment in moments:
        found = {move.cid: move.progress for move in moves(entries, moment)}
        for one in entries:
            after = found.get(one.cid)
            if after is None:
                continue
            assert RANK[after.state] >= RANK[one.state]
            assert (after.state, after.reason) != (one.state, one.reason)
            if after.state == "executing":
                assert moment.trusted
                assert moment.now < one.expires
                assert one.kind not in DISTURBING or moment.call == "none"
            if after.state == "failed":
                assert moment.trusted
                assert moment.now >= one.expires
        entries = [
            replace(one, state=found[one.cid].state, reason=found[one.cid].reason) if one.cid in found else one
            for one in entries
        ]
        entries = [one for one in entries if one.state != "failed"]
        executing = [one.cid for one in entries if one.state == "executing"]
        assert len(executing) <= max(1, len(begun_before))
        assert moves(entries, moment) == [], "what has been told is not told again"


THEN = Evidence("agent-1", "boot-1", "call-1", "screen-1", 100.0)


@pytest.mark.parametrize(
    ("order", "after"),
    [
        (Restart("agent"), replace(THEN, agent="agent-2")), (Restart("call"), replace(THEN, call="call-2")),
        (Restart("screen"), replace(THEN, screen="s-2")), (Reboot(), replace(THEN, machine="boot-2")),
        (Renew(), replace(THEN, certificate=101.0)),
    ],
)  # fmt: skip
def test_what_has_another_name_afterwards_was_started_anew(order: Order, after: Evidence) -> None:
    assert shown(order, THEN, THEN) == "not_yet"
    assert shown(order, THEN, after) == "done"


@pytest.mark.parametrize("order", [Restart("call"), Restart("screen"), Reboot()])
def test_who_was_not_there_to_begin_with_is_never_taken_for_started_anew(order: Order) -> None:
    assert shown(order, Evidence("agent-1", ""), THEN) == "not_yet"


@pytest.mark.parametrize("order", [Restart("call"), Restart("screen"), Reboot()])
def test_who_is_away_shows_nothing(order: Order) -> None:
    assert shown(order, THEN, replace(THEN, call="", screen="", machine="")) == "unknown"


@pytest.mark.parametrize("order", [Volume(40), SelfTest(), Wipe("st-k3m9q2x7")])
def test_what_leaves_no_trace_is_never_taken_for_done(order: Order) -> None:
    assert shown(order, THEN, replace(THEN, agent="agent-2", machine="boot-2")) == "not_yet"
