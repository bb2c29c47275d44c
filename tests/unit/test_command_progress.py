"""The table of how far a command has come: forward only, the same whatever comes twice, late or out of order."""

from __future__ import annotations

from functools import reduce
from itertools import permutations
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.command import ENDED, CommandState
from region.registry.command_progress import GRACE_S, PATIENCE_S, Standing, moved, overdue, reached

STATES: tuple[CommandState, ...] = get_args(CommandState)
OPEN = [state for state in STATES if state not in ENDED]
standings = st.builds(
    Standing, st.sampled_from(STATES), st.sampled_from(["", "in_call", "expired", "x"]), st.booleans()
)


def after(known: Standing, told: Standing) -> Standing:
    return moved(known, told) or known


def said(state: CommandState, reason: str = "") -> Standing:
    return Standing(state, reason, by_station=True)


@given(standings, standings)
def test_nothing_goes_back(known: Standing, told: Standing) -> None:
    to = after(known, told)
    assert STATES.index(to.state) >= STATES.index(known.state) or known.state in ENDED
    assert to.state in ENDED or known.state not in ENDED
    if known.by_station and known.state in ENDED:
        assert to == known, "what a station has said of the end is the end"


@given(standings, st.lists(standings, max_size=8))
def test_what_is_told_again_or_late_changes_nothing(known: Standing, told: list[Standing]) -> None:
    stands = reduce(after, told, known)
    assert reduce(after, told, stands) == stands


@pytest.mark.parametrize(
    "order", list(permutations([said("init"), said("scheduled", "in_call"), said("executing"), said("successful")]))
)
def test_in_whatever_order_it_is_heard_the_end_is_the_end(order: tuple[Standing, ...]) -> None:
    assert reduce(after, order, Standing("init")) == said("successful")


def test_a_station_that_was_given_up_too_early_is_believed() -> None:
    expired = Standing("failed", "expired")
    assert moved(expired, said("executing")) is None
    assert moved(expired, said("successful")) == said("successful")
    assert moved(said("successful"), expired) is None
    assert moved(said("failed", "interrupted"), said("successful")) is None


def test_the_station_s_word_for_where_it_stands_counts_more_than_what_the_region_assumed() -> None:
    assert moved(Standing("scheduled"), said("scheduled", "in_call")) == said("scheduled", "in_call")
    assert moved(Standing("scheduled"), said("init")) is None
    assert moved(said("init"), Standing("init")) is None


@pytest.mark.parametrize("sent", [True, False])
@given(state=st.sampled_from(OPEN), late_s=st.floats(-1e6, 1e6), by_station=st.booleans())
def test_it_is_ended_by_the_region_only_once_no_answer_can_come(
    sent: bool, state: CommandState, late_s: float, by_station: bool
) -> None:
    end = overdue(Standing(state, "", by_station), 0.0, late_s, sent=sent)
    patience = PATIENCE_S if state == "executing" else GRACE_S if sent else 0.0
    assert (end is not None) is (late_s >= patience)
    if end is not None:
        assert (end.state, end.by_station) == ("failed", False)
        assert moved(Standing(state, "", by_station), end) == end


@pytest.mark.parametrize("state", sorted(ENDED))
@given(now=st.floats(-1e9, 1e9))
def test_what_has_ended_is_never_overdue(state: CommandState, now: float) -> None:
    assert overdue(Standing(state), 0.0, now, sent=True) is None


def test_each_state_but_the_first_has_its_time() -> None:
    assert {state: reached(state) for state in STATES} == {
        "init": None, "scheduled": "scheduled_at", "executing": "executing_at", "successful": "ended_at",
        "failed": "ended_at",
    }  # fmt: skip
