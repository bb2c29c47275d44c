"""Whether a call may be answered by itself at this moment. Pure; whoever is in doubt says no.

A resident has agreed, that is written down, and it has not run out by a clock that is right; the screen is there to
show the countdown, and no silent night forbids that it is heard.
"""

from __future__ import annotations

from datetime import date, datetime

from messaging.envelope import ClockTrust
from messaging.twin import Config


def answers_itself(config: Config, now: datetime, trust: ClockTrust, *, screen: bool) -> bool:
    """`now` is local time. The consent holds through its last day."""
    agreed = config.auto_answer
    if not agreed.on or agreed.objection() or trust != "ntp" or not screen:
        return False
    asleep = config.night.quiet and config.night.covers(now.time())
    return not asleep and now.date() <= date.fromisoformat(agreed.consent_until)
