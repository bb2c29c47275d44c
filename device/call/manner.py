"""How the station behaves towards its room: how loud, how bright, by day and by night. Pure.

Whatever is set, these hold: the lamp is seen whenever the room may be seen or heard, and when it rings or shows which
one it is; and a call that is about to be answered by itself is heard.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from device.call.state import Session, light
from messaging.local import ON_AIR, LightPattern
from messaging.twin import Config

Tone = Literal["ring", "countdown", "calling", "identify", "none"]
LEAST_LAMP = 20  # of what must be seen
LEAST_HEARD = 40  # of what must be heard


@dataclass(frozen=True)
class Manner:
    """What holds at one moment, in percent. `resting_lamp` is while nothing goes on; `silent`: the ring is a light."""

    voice: int = 70
    ring: int = 70
    prompts: int = 60
    lamp: int = 100
    resting_lamp: int = 100
    silent: bool = False


def manner_of(config: Config, now: datetime | None) -> Manner:
    """What the config says for this moment, local time; None while the time is not known, and then it is day."""
    levels, night = config.levels, config.night
    if now is None or not night.covers(now.time()):
        return Manner(config.volume, levels.ring, levels.prompts, levels.light, levels.light)
    return Manner(
        config.volume, min(levels.ring, night.volume), min(levels.prompts, night.volume), levels.light,
        min(levels.light, night.brightness), silent=night.quiet,
    )  # fmt: skip


def tone(session: Session, manner: Manner) -> Tone:
    """What the speaker plays when nobody speaks."""
    if _counts_down(session):
        return "countdown"
    if session.state == "ringing":
        return "none" if manner.silent else "ring"
    if session.identifying and not session.testing:
        return "none" if manner.silent else "identify"
    return "calling" if session.state == "calling" else "none"


def loudness(session: Session, manner: Manner) -> int:
    """How loud the speaker is, in percent."""
    if _counts_down(session):
        return max(manner.ring, LEAST_HEARD)
    if session.state == "ringing":
        return manner.ring
    return manner.prompts if session.state == "calling" or session.identifying else manner.voice


def lamp(session: Session, manner: Manner) -> tuple[LightPattern, int]:
    """What the lamp shows, and how brightly, in percent."""
    pattern = light(session)
    if pattern in ON_AIR or pattern in ("ringing", "identify"):
        return pattern, max(manner.lamp, LEAST_LAMP)
    return pattern, min(manner.lamp, manner.resting_lamp)


def _counts_down(session: Session) -> bool:
    return session.state == "ringing" and session.call is not None and session.call.by_itself
