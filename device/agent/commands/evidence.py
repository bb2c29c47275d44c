"""Whether something has happened, by what is evident afterwards: a pure table.

Each run of a process has a name of its own, and so has each run of the machine. What was to be started anew and now has
another name was: by us just before we were killed, or by somebody else. Either way it is not to be done again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from messaging.codec import Length, Range
from messaging.command import Identify, Order, Reboot, Renew, Restart

Run = Annotated[str, Length(64)]
Shown = Literal["done", "not_yet", "unknown"]


@dataclass(frozen=True)
class Evidence:
    """What ran at one moment, '' where that could not be told, and when the certificate in force began (0: none)."""

    agent: Run
    machine: Run
    call: Run = ""
    screen: Run = ""
    certificate: Annotated[float, Range(0, 1e11)] = 0.0
    identified: Annotated[int, Range(0, 2**53)] = 0  # how often that run of station-call has shown which one it is


def shown(order: Order, then: Evidence, now: Evidence) -> Shown:
    """Whether the order has been carried out since `then`. `unknown`: who would show it is away.

    What leaves no trace (a volume, a look at oneself) is harmless to repeat, and is never shown as done.
    """
    if isinstance(order, Restart):
        return _another(getattr(then, order.process), getattr(now, order.process))
    if isinstance(order, Reboot):
        return _another(then.machine, now.machine)
    if isinstance(order, Identify):
        return _counted(then, now)
    if isinstance(order, Renew):
        return "done" if now.certificate > then.certificate else "not_yet"
    return "not_yet"


def _counted(then: Evidence, now: Evidence) -> Shown:
    if not now.call:
        return "not_yet"
    before = then.identified if now.call == then.call else 0
    return "done" if now.identified > before else "not_yet"


def _another(before: str, after: str) -> Shown:
    if not before:
        return "not_yet"  # nobody ran when it began: nothing can show it
    if not after:
        return "unknown"
    return "not_yet" if after == before else "done"
