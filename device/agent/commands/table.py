"""When each waiting order's moment is: a pure table.

    an order that                                     becomes
    has expired, by a trusted clock                   failed     expired
    came while the clock cannot be trusted            scheduled  clock
    disturbs, and somebody is in a call               scheduled  in_call
    disturbs, and station-call has not spoken yet     scheduled  call_unknown
    could begin, and another is under way             scheduled  busy
    could begin                                       executing

One at a time, in the order of their coming; what waits for a call's end is overtaken by what need not. None goes back.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from device.agent.commands.entry import Entry
from messaging.command import DISTURBING, CommandState, Progress, failed, waits

CallStanding = Literal["none", "in_call", "unknown"]
RANK: dict[CommandState, int] = {"init": 0, "scheduled": 1, "executing": 2, "successful": 3, "failed": 3}


@dataclass(frozen=True)
class Moment:
    """What is so now. `now` is Unix seconds, to be believed only if `trusted`."""

    now: float
    trusted: bool
    call: CallStanding


@dataclass(frozen=True)
class Move:
    """What one order becomes."""

    cid: str
    progress: Progress


def moves(orders: Iterable[Entry], moment: Moment) -> list[Move]:
    """What becomes of the orders that have not ended, told in the order of their coming; only what is news."""
    found = []
    orders = list(orders)
    busy = any(order.state == "executing" for order in orders)
    for order in orders:
        if RANK[order.state] >= RANK["executing"]:
            continue
        becomes = _becomes(order, moment, busy=busy)
        busy = busy or becomes.state == "executing"
        if (becomes.state, becomes.reason) != (order.state, order.reason):
            found.append(Move(order.cid, becomes))
    return found


def _becomes(order: Entry, moment: Moment, *, busy: bool) -> Progress:
    if not moment.trusted:
        return waits("clock")
    if moment.now >= order.expires:
        return failed("expired")
    if order.kind in DISTURBING and moment.call != "none":
        return waits("in_call" if moment.call == "in_call" else "call_unknown")
    return waits("busy") if busy else Progress("executing")
