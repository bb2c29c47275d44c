"""How bright the screen is, in percent of what the display gives. Pure.

At night it is dim, or dark, while nothing goes on; a call, what just happened and a press are as bright as by day.
"""

from __future__ import annotations

from datetime import time

from messaging.settings import Night, Screen

LEAST = 5  # below it nobody would know that there is something to read


def brightness(screen: Screen, night: Night, at: time | None, *, resting: bool, well: bool) -> int:
    """`at`: the time of day, None while it is not known. `resting`: nothing goes on; `well`: nothing is to be read."""
    day = max(LEAST, screen.brightness)
    if at is None or not resting or not night.covers(at):
        return day
    dim = min(day, night.brightness)
    return dim if well else max(LEAST, dim)
