"""How far a command has come, decided without I/O: only forward, and at each stage the station's word before ours.

A command is `init` when it has been given, `scheduled` while its time has not come or somebody is in a call,
`executing`, and in the end `successful` or `failed`. The region ends what has had no answer (`expired`, `no_answer`)
and what was called back (`cancelled`); a station that says later how it really ended is believed instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from messaging.command import CommandState

Reached = Literal["scheduled_at", "executing_at", "ended_at"]
GRACE_S = 120.0  # the station's clock may be behind, and its answer takes its time
PATIENCE_S = 24 * 3600.0  # a station that has begun may say how it ended as late as its next connection
_STAGES: dict[CommandState, int] = {"init": 0, "scheduled": 1, "executing": 2, "successful": 3, "failed": 3}
_REACHED: dict[CommandState, Reached] = {
    "scheduled": "scheduled_at", "executing": "executing_at", "successful": "ended_at", "failed": "ended_at",
}  # fmt: skip


@dataclass(frozen=True)
class Standing:
    """How far a command has come, and whether the station says so or the region assumes it."""

    state: CommandState
    reason: str = ""
    by_station: bool = False


def moved(known: Standing, told: Standing) -> Standing | None:
    """Where the command stands once `told` is known too; None where that is nothing new."""
    return told if _order(told) > _order(known) else None


def reached(state: CommandState) -> Reached | None:
    """Which time is to be noted when this state is reached."""
    return _REACHED.get(state)


def overdue(standing: Standing, expires_at: float, now: float, *, sent: bool) -> Standing | None:
    """The end that the region gives to a command without an answer; None while one may come."""
    if _STAGES[standing.state] == _STAGES["failed"]:
        return None
    if standing.state == "executing":
        return Standing("failed", "no_answer") if now >= expires_at + PATIENCE_S else None
    return Standing("failed", "expired") if now >= expires_at + (GRACE_S if sent else 0.0) else None


def _order(standing: Standing) -> tuple[int, bool]:
    return _STAGES[standing.state], standing.by_station
