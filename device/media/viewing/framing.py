"""Framing people, gently: from where they are seen to be, the part of the picture to send. Pure; times in seconds.

The camera stands across the room, and the clinician wants to see who speaks, not the wall. So the frame goes to where
people are and stays there: it moves late (they may only be leaning forward) and slowly (nobody should feel seasick, and
an encoder should have little to do), and it goes back to the whole room when nobody has been seen for a while.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from device.hardware.ports import WHOLE, Crop

CLOSEST = 0.4  # of the picture's sides: framing by itself never goes closer in
GONE_S = 8.0  # nobody seen for so long: the whole room again
PATIENCE_S = 1.0  # somebody is out of the frame for so long before it moves
SETTLE_S = 0.8  # time constant of the movement
_ROOM = 1.3  # of what is needed: the rest is air around people
_SHOULDERS = 3.4  # widths of a face: a head with its shoulders and hands
_ABOVE, _BELOW = 0.9, 3.0  # heights of a face over and under its top: hair, and the chest with what is held up to it
_HOLD = 0.12  # a wanted frame that differs by less from the one in force is not worth a movement
_STEP_S = 0.15  # a pause in the pictures does not become a jump
_NEARLY = 0.8  # people who fill so much of the picture are near the camera: there is nothing to frame
_STILL = 0.002  # nearer than this the movement is over


@dataclass(frozen=True)
class Box:
    """Where something is: left, top, width and height, as shares of the picture's sides."""

    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True)
class Seen:
    """What was seen of people in one picture: faces, and if there was none, what moved."""

    faces: tuple[Box, ...] = ()
    moving: Box | None = None


@dataclass(frozen=True)
class Framing:
    """The frame in force and the one it moves to."""

    shown: Crop = WHOLE
    target: Crop = WHOLE
    seen_at: float = -math.inf
    astray_since: float | None = None
    moved_at: float = 0.0


def observe(framing: Framing, seen: Seen, now: float) -> Framing:
    """Take into account where people were seen."""
    wanted = wanted_crop(seen)
    if wanted is None:
        if now - framing.seen_at < GONE_S:
            return framing
        return replace(framing, target=WHOLE, astray_since=None)
    framing = replace(framing, seen_at=now)
    if _fits(framing.target, wanted):
        return replace(framing, astray_since=None)
    since = framing.astray_since if framing.astray_since is not None else now
    if now - since < PATIENCE_S:
        return replace(framing, astray_since=since)
    return replace(framing, target=wanted, astray_since=None)


def move(framing: Framing, now: float) -> Framing:
    """Let time pass: the shown frame goes a part of the way to its target."""
    elapsed, framing = now - framing.moved_at, replace(framing, moved_at=now)
    if framing.shown == framing.target:
        return framing
    share = 1 - math.exp(-max(0.0, min(elapsed, _STEP_S)) / SETTLE_S)
    here, there = framing.shown, framing.target
    step = Crop(
        _between(here.x, there.x, share), _between(here.y, there.y, share), _between(here.size, there.size, share)
    )
    return replace(framing, shown=there if _distance(step, there) < _STILL else step.inside())


def wanted_crop(seen: Seen) -> Crop | None:
    """The smallest frame that shows everybody well; None when nobody was seen."""
    boxes: Sequence[Box] = [_person(face) for face in seen.faces] or ([seen.moving] if seen.moving else [])
    if not boxes:
        return None
    left, top = min(b.left for b in boxes), min(b.top for b in boxes)
    right, bottom = max(b.left + b.width for b in boxes), max(b.top + b.height for b in boxes)
    size = max(CLOSEST, _ROOM * max(right - left, bottom - top))
    if size > _NEARLY:
        return WHOLE
    return Crop((left + right) / 2, (top + bottom) / 2, size).inside()


def _person(face: Box) -> Box:
    width = face.width * _SHOULDERS
    top = max(0.0, face.top - face.height * _ABOVE)
    bottom = min(1.0, face.top + face.height * _BELOW)
    left = max(0.0, face.left + face.width / 2 - width / 2)
    return Box(left, top, min(1.0, left + width) - left, bottom - top)


def _fits(target: Crop, wanted: Crop) -> bool:
    """Whether the frame that is aimed at is good enough for what is wanted."""
    slack = (target.size - wanted.size / _ROOM) / 2
    holds = abs(wanted.x - target.x) <= slack and abs(wanted.y - target.y) <= slack
    return _distance(target, wanted) < _HOLD or (holds and target.size < wanted.size * 1.5)


def _distance(one: Crop, other: Crop) -> float:
    return max(abs(one.x - other.x), abs(one.y - other.y), abs(one.size - other.size))


def _between(here: float, there: float, share: float) -> float:
    return here + (there - here) * share
