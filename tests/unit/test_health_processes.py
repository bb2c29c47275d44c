"""Which process is there: the table, walked."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from device.health.processes import (
    RESTART_WITHIN_S,
    SCREEN_SILENT_S,
    Event,
    Gone,
    Happened,
    Processes,
    Sighting,
    Tick,
    begin,
    states,
    step,
)


def _run(*events: Event) -> tuple[Processes, list[Happened]]:
    processes, told = begin(0.0), list[Happened]()
    for event in events:
        processes, happened = step(processes, event)
        told += happened
    return processes, told


def test_at_the_start_everything_may_be_on_its_way_and_the_agent_runs() -> None:
    assert states(begin(0.0)) == {"agent": "running", "call": "restarting", "screen": "restarting"}


def test_who_never_comes_is_stopped_and_that_is_no_event() -> None:
    processes, told = _run(Tick(RESTART_WITHIN_S), Tick(RESTART_WITHIN_S + 1))
    assert states(processes) == {"agent": "running", "call": "stopped", "screen": "stopped"}
    assert told == []


def test_the_first_sight_is_no_restart() -> None:
    processes, told = _run(Sighting("call", 1.0, "boot-1"), Sighting("screen", 1.0))
    assert states(processes)["call"] == states(processes)["screen"] == "running"
    assert told == []


def test_station_call_s_death_is_told_at_once_and_its_return_too() -> None:
    processes, told = _run(Sighting("call", 1.0, "boot-1"), Gone("call", 2.0))
    assert states(processes)["call"] == "restarting"
    assert told == [Happened("process_gone", "call")]
    processes, happened = step(processes, Sighting("call", 3.0, "boot-2"))
    assert states(processes)["call"] == "running"
    assert happened == (Happened("process_restarted", "call"),)


def test_a_socket_that_came_back_to_the_same_run_is_no_restart() -> None:
    _, told = _run(Sighting("call", 1.0, "boot-1"), Gone("call", 2.0), Sighting("call", 3.0, "boot-1"))
    assert told == [Happened("process_gone", "call")]


def test_a_restart_too_quick_to_be_missed_is_told() -> None:
    _, told = _run(Sighting("call", 1.0, "boot-1"), Sighting("call", 2.0, "boot-2"))
    assert told == [Happened("process_restarted", "call")]


def test_a_death_is_told_once_and_becomes_stopped() -> None:
    processes, told = _run(
        Sighting("call", 1.0, "b"), Gone("call", 2.0), Gone("call", 2.5), Tick(2.0 + RESTART_WITHIN_S + 1)
    )
    assert states(processes)["call"] == "stopped"
    assert len(told) == 1


def test_a_screen_that_stops_drawing_is_gone_and_one_that_draws_again_is_back() -> None:
    processes, told = _run(Sighting("screen", 0.0), Tick(SCREEN_SILENT_S), Tick(SCREEN_SILENT_S + 1))
    assert states(processes)["screen"] == "restarting"
    assert told == [Happened("process_gone", "screen")]
    processes, happened = step(processes, Sighting("screen", 7.0))
    assert states(processes)["screen"] == "running"
    assert happened == (Happened("process_restarted", "screen"),)


_EVENTS = st.lists(
    st.one_of(
        st.builds(Sighting, st.just("call"), st.just(0.0), st.sampled_from(["", "a", "b"])),
        st.builds(Sighting, st.just("screen"), st.just(0.0)),
        st.builds(Gone, st.sampled_from(["call", "screen"]), st.just(0.0)),
        st.builds(Tick, st.just(0.0)),
    ),
    max_size=40,
)


@given(_EVENTS, st.lists(st.floats(0, 20), min_size=40, max_size=40))
def test_a_process_is_never_restarted_without_having_been_seen_and_always_comes_to_rest(
    events: list[Event], waits: list[float]
) -> None:
    processes, now, seen = begin(0.0), 0.0, set[str]()
    for event, wait in zip(events, waits, strict=False):
        now += wait
        at = type(event)(**{**event.__dict__, "at": now})
        processes, happened = step(processes, at)
        assert {one.process for one in happened if one.kind == "process_restarted"} <= seen
        if isinstance(at, Sighting):
            seen.add(at.process)
            assert states(processes)[at.process] == "running"
    processes, _ = step(processes, Gone("call", now))
    for _ in range(3):
        now += max(RESTART_WITHIN_S, SCREEN_SILENT_S) + 1
        processes, _ = step(processes, Tick(now))
    assert states(processes) == {"agent": "running", "call": "stopped", "screen": "stopped"}
