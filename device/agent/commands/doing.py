"""How each order is carried out; when, and whether it was already, others decide."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from device.agent.commands.evidence import Evidence
from device.agent.commands.hands import Hands
from device.agent.commands.table import CallStanding
from messaging.command import (
    Diagnostics,
    Identify,
    Lock,
    Order,
    Progress,
    Reason,
    Reboot,
    Renew,
    Restart,
    SelfTest,
    Unlock,
    Volume,
    failed,
    kind_of,
)
from messaging.command import Message as Said
from messaging.local import End, ShowWhich
from messaging.local import Message as ToCall

_log = logging.getLogger(__name__)
ASKED: Literal["asked"] = "asked"
Outcome = Progress | Literal["asked"]
# Seconds until what was asked must be evident, or be done: a screen draws within a few, a broker may take its time.
DEADLINES: dict[type[Order], float] = {Restart: 45.0, Reboot: 120.0, Renew: 90.0, Diagnostics: 120.0}
DEADLINE_S = 15.0


@dataclass(frozen=True)
class Reach:
    """What an order may touch: this, and nothing that could open camera or microphone."""

    hands: Hands
    evidence: Callable[[], Evidence]
    call: Callable[[], CallStanding]
    to_call: Callable[[ToCall], bool]  # False: station-call is away
    end_screen: Callable[[str], bool]  # this run of it; False: the screen is away
    end_agent: Callable[[], None]
    hand_in: Callable[[str], Awaitable[str]]  # diagnostics, for the command of that id; '' or why not, likewise
    renew: Callable[[], Awaitable[str]]  # '' or why not: `broker_or_disk`, `clock`, or a word of provisioning's
    set_volume: Callable[[int], None]  # OSError if it cannot be kept
    lock: Callable[[bool], None]  # likewise
    post: Callable[[str, float], None]  # likewise
    screen_is_there: Callable[[], bool]
    look: Callable[[], dict[str, float]]


async def carry_out(cid: str, order: Order, then: Evidence, reach: Reach) -> Outcome:
    """Do the command of that id, or ask for it: then `evidence` shows when it is done."""
    if isinstance(order, Restart):
        return _restart(order, then, reach)
    if isinstance(order, Reboot):
        # Without a name of this run of the machine nothing would show that it was done, and it would be done again.
        return _asked(await reach.hands.reboot() if then.machine else "not_possible")
    if isinstance(order, Renew):
        return _ended(await reach.renew())
    if isinstance(order, Diagnostics):
        return _ended(await reach.hand_in(cid))
    if isinstance(order, Identify):
        return ASKED if reach.to_call(ShowWhich(order.seconds)) else failed("not_running")
    if isinstance(order, Said) and not reach.screen_is_there():
        return failed("not_running")
    if isinstance(order, Volume | Lock | Unlock | Said):
        return _keep(order, reach)
    if isinstance(order, SelfTest):
        return Progress("successful", figures=reach.look())
    # To retire: what follows is told, and only then begun (`running`), for afterwards nobody could tell it.
    return Progress("successful")


def _restart(order: Restart, then: Evidence, reach: Reach) -> Outcome:
    if order.process == "agent":
        reach.end_agent()
        return ASKED
    ask = reach.end_screen if order.process == "screen" else lambda run: reach.to_call(End(run))
    run: str = getattr(then, order.process)
    return ASKED if run and ask(run) else failed("not_running")


def _keep(order: Volume | Lock | Unlock | Said, reach: Reach) -> Outcome:
    try:
        if isinstance(order, Volume):
            reach.set_volume(order.percent)
        elif isinstance(order, Said):
            reach.post(order.text, order.seconds)
        else:
            reach.lock(isinstance(order, Lock))
    except OSError as error:
        _log.error("%s cannot be kept: %s", kind_of(order), error)
        return failed("disk")
    return Progress("successful")


def _asked(why_not: Reason | None) -> Outcome:
    return failed(why_not) if why_not else ASKED


def _ended(why_not: str) -> Outcome:
    return Progress("failed", why_not) if why_not else Progress("successful")
