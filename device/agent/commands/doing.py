"""How each order is carried out; when, and whether it was already, others decide."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from device.agent.commands.evidence import Evidence
from device.agent.commands.hands import Hands
from device.agent.commands.table import CallStanding
from messaging.command import Order, Progress, Reason, Reboot, Renew, Restart, SelfTest, Volume, Wipe, failed
from messaging.local import End, Message

_log = logging.getLogger(__name__)
ASKED: Literal["asked"] = "asked"
Outcome = Progress | Literal["asked"]
# Seconds until what was asked must be evident, or be done: a screen draws within a few, a broker may take its time.
DEADLINES: dict[type[Order], float] = {Restart: 45.0, Reboot: 120.0, Renew: 90.0}
DEADLINE_S = 15.0


@dataclass(frozen=True)
class Reach:
    """What an order may touch: this, and nothing that could open camera or microphone."""

    hands: Hands
    evidence: Callable[[], Evidence]
    call: Callable[[], CallStanding]
    to_call: Callable[[Message], bool]  # False: station-call is away
    end_screen: Callable[[str], bool]  # this run of it; False: the screen is away
    end_agent: Callable[[], None]
    renew: Callable[[], Awaitable[str]]  # '' or why not: `broker_or_disk`, `clock`, or a word of provisioning's
    set_volume: Callable[[int], None]  # OSError if it cannot be kept
    look: Callable[[], dict[str, float]]


async def carry_out(order: Order, then: Evidence, reach: Reach) -> Outcome:
    """Do it, or ask for it: then `evidence` shows when it is done."""
    if isinstance(order, Restart):
        return _restart(order, then, reach)
    if isinstance(order, Reboot):
        # Without a name of this run of the machine nothing would show that it was done, and it would be done again.
        return _asked(await reach.hands.reboot() if then.machine else "not_possible")
    if isinstance(order, Renew):
        return _ended(await reach.renew())
    if isinstance(order, Volume):
        return _set_volume(order, reach)
    if isinstance(order, SelfTest):
        return Progress("successful", figures=reach.look())
    # To retire: what follows is told, and only then begun (`running`), for afterwards nobody could tell it.
    return Progress("successful") if isinstance(order, Wipe) else failed("unsupported")


def _restart(order: Restart, then: Evidence, reach: Reach) -> Outcome:
    if order.process == "agent":
        reach.end_agent()
        return ASKED
    ask = reach.end_screen if order.process == "screen" else lambda run: reach.to_call(End(run))
    run: str = getattr(then, order.process)
    return ASKED if run and ask(run) else failed("not_running")


def _set_volume(order: Volume, reach: Reach) -> Outcome:
    try:
        reach.set_volume(order.percent)
    except OSError as error:
        _log.error("the volume cannot be kept: %s", error)
        return failed("disk")
    return Progress("successful")


def _asked(why_not: Reason | None) -> Outcome:
    return failed(why_not) if why_not else ASKED


def _ended(why_not: str) -> Outcome:
    return Progress("failed", why_not) if why_not else Progress("successful")
