"""Would a call work now? The table that a technician reads."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import pytest

from device.agent.readiness import Row, rows
from messaging.call import Devices
from messaging.local import AgentView, CallState, CallView, FaultReason
from messaging.twin import Config

AGENT = AgentView(
    "up",
    True,
    "st-k3m9q2x7",
    "ntp",
    Config(clinic="Lægehuset"),
    3,
    {"agent": "running", "call": "running", "screen": "running"},
)
CALL = CallView("idle", "b", 0.0, "ready", Devices())


def _hindering(agent: AgentView | None, call: CallView | None) -> list[Row]:
    return [row for row in rows(agent, call) if row.hinders]


def _warning(agent: AgentView | None, call: CallView | None) -> list[str]:
    return [row.name for row in rows(agent, call) if row.warns]


def test_a_station_in_order_has_nothing_to_say() -> None:
    assert _hindering(AGENT, CALL) == []
    assert _warning(AGENT, CALL) == []


@pytest.mark.parametrize("state", ["idle", "calling", "ringing", "connecting", "in_call", "ending", "feedback"])
def test_a_station_with_a_call_is_in_order_too(state: CallState) -> None:
    assert _hindering(AGENT, replace(CALL, state=state)) == []


@pytest.mark.parametrize(
    ("agent", "call", "name", "word"),
    [
        (None, CALL, "station-agent", "does not run"),
        (AGENT, None, "station-call", "does not run"),
        (replace(AGENT, link="down"), CALL, "region", "no connection"),
        (replace(AGENT, config=Config()), CALL, "clinic", "none"),
        (replace(AGENT, enrolled=False, enrolment_error="code_used"), CALL, "enrolment", "another station"),
        (replace(AGENT, enrolled=False), CALL, "enrolment", "being tried"),
        (replace(AGENT, enrolled=False, enrolment_error="new_word"), CALL, "enrolment", "new_word"),
        (replace(AGENT, enrolment_error="certificate_expired"), CALL, "certificate", "expired"),
        (AGENT, replace(CALL, state="offline"), "station-call", "no connection"),
        (AGENT, replace(CALL, devices=Devices("missing", "fault", "ok")), "devices", "neither camera nor microphone"),
    ],
)
def test_what_hinders_a_call_is_named(agent: AgentView | None, call: CallView | None, name: str, word: str) -> None:
    (row,) = _hindering(agent, call)
    assert row.name == name
    assert word in row.text


@pytest.mark.parametrize("fault", get_args(FaultReason))
def test_every_fault_hinders_and_has_words(fault: FaultReason) -> None:
    (row,) = _hindering(AGENT, replace(CALL, state="fault", fault=fault))
    assert row.text != "fault"


@pytest.mark.parametrize("name", ["camera", "microphone", "speaker"])
def test_one_missing_device_is_a_warning_not_a_hindrance(name: str) -> None:
    call = replace(CALL, devices=replace(Devices(), **{name: "missing"}))
    assert _hindering(AGENT, call) == []
    assert _warning(AGENT, call) == [name]


def test_a_dead_screen_and_a_wrong_clock_are_warnings() -> None:
    agent = replace(AGENT, clock="unset", processes={"agent": "running"})
    assert _hindering(agent, CALL) == []
    assert _warning(agent, CALL) == ["clock", "screen"]


def test_a_new_code_file_that_fails_does_not_hinder_an_enrolled_station() -> None:
    agent = replace(AGENT, enrolment_error="wrong_code")
    assert _hindering(agent, CALL) == []
    assert _warning(agent, CALL) == ["new code file"]
