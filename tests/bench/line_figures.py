"""What was received, judged against what was sent: pure figures of one direction of one call. Times in seconds."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from device.hardware.sim import timecode
from device.hardware.sim.scene import Scene
from tests.bench.report import percentile

Luma = NDArray[np.uint8]

FRESH_S = 1.0  # a picture older than this is not what happens in the room


@dataclass(frozen=True)
class Shown:
    """One picture: when it was shown, and when it was taken (its time code), in Unix seconds."""

    at: float
    taken: float


@dataclass(frozen=True)
class Grab:
    """The luma of one picture that was shown, in the size it came in."""

    taken: float
    luma: Luma


@dataclass
class Received:
    """All that one side saw and heard. `sound`: (arrival, mono samples at 48 kHz)."""

    pictures: list[Shown] = field(default_factory=list)
    grabs: list[Grab] = field(default_factory=list)
    sound: list[tuple[float, NDArray[np.int16]]] = field(default_factory=list)


@dataclass(frozen=True)
class Span:
    """The time that is judged, and the part of it in which the call has to recover, if there is one."""

    begin: float
    end: float
    mending: tuple[float, float] | None = None


def taken_at(code: int, near: float) -> float:
    """The Unix time of a time code (milliseconds modulo 2^32) that was read at about `near`."""
    return near - timecode.age(code, near)


def picture_figures(received: Received, span: Span, repaint: Callable[[float], Luma]) -> dict[str, Any]:
    """`fps`, `freezes`, `freeze_s`, `latency_ms`, `ssim`, `size`, `recovery_s`.

    `repaint` gives the luma of what was sent at a moment. A picture shown twice counts once.
    """
    shown = fresh(received.pictures, span)
    stops = freezes([one.at for one in shown], span)
    ages = [max(0.0, one.at - one.taken) * 1000 for one in shown]
    likeness = [
        ssim(repaint(grab.taken), grab.luma)
        for grab in received.grabs
        if span.begin - FRESH_S <= grab.taken <= span.end
    ]
    figures: dict[str, Any] = {
        "fps": round(len(shown) / (span.end - span.begin), 1),
        "freezes": len(stops),
        "freeze_s": round(sum(stops), 2),
        "latency_ms": {f"p{p}": round(percentile(ages, p)) if ages else None for p in (50, 95)},
        "ssim": round(float(np.mean(likeness)), 4) if likeness else None,
        "size": _usual_size(received.grabs),
    }
    if span.mending is not None:
        figures["recovery_s"] = recovery(received.pictures, *span.mending)
    return figures


def fresh(pictures: Sequence[Shown], span: Span) -> list[Shown]:
    """Those of the span that show something newer than all before them."""
    newest, shown = 0.0, []
    for one in sorted(pictures, key=lambda one: one.at):
        if one.taken > newest:
            newest = one.taken
            if span.begin <= one.at <= span.end:
                shown.append(one)
    return shown


def freezes(moments: Sequence[float], span: Span) -> list[float]:
    """How long each stand-still lasted, as W3C's webrtc-stats has it for `freezeCount` and `totalFreezesDuration`.

    An interval is one if it is longer than three times the mean of the 30 before it, and than that mean and 150 ms.
    The span's own ends count as pictures, so that one that never comes is a stand-still of the whole span.
    """
    if not moments:
        return [span.end - span.begin]
    stops: list[float] = []
    usual: list[float] = []
    for before, after in pairwise([span.begin, *moments, span.end]):
        gap = after - before
        mean = sum(usual[-30:]) / len(usual[-30:]) if usual else 1 / 30
        if gap > max(3 * mean, mean + 0.15):
            stops.append(gap)
        elif before != span.begin and after != span.end:
            usual.append(gap)
    return stops


def recovery(pictures: Sequence[Shown], since: float, until: float) -> float | None:
    """Seconds from `since` until the picture shown is never again older than `FRESH_S`; None: it is, at `until`."""
    taken, mended = -math.inf, since
    for one in [*sorted(pictures, key=lambda one: one.at), Shown(until, until)]:
        if one.at > since and one.at > taken + FRESH_S:
            mended = min(one.at, until)
        if one.at >= until:
            break
        taken = max(taken, one.taken)
    return None if mended >= until else round(mended - since, 2)


def ssim(sent: Luma, received: Luma) -> float:
    """Structural similarity of two pictures' luma (Wang et al. 2004: Gaussian window, sigma 1.5), 1.0 at best.

    What came smaller is enlarged as a screen would; the strip of the time code is left out.
    """
    height, width = sent.shape
    if received.shape != sent.shape:
        received = cv2.resize(received, (width, height), interpolation=cv2.INTER_LINEAR).astype(np.uint8)
    rows = height - timecode.strip_height(height)
    x, y = sent[:rows].astype(np.float32), received[:rows].astype(np.float32)

    def blur(plane: NDArray[np.float32]) -> NDArray[np.float32]:
        return cv2.GaussianBlur(plane, (11, 11), 1.5).astype(np.float32)

    mean_x, mean_y = blur(x), blur(y)
    var_x, var_y = blur(x * x) - mean_x**2, blur(y * y) - mean_y**2
    both = blur(x * y) - mean_x * mean_y
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    like = (2 * mean_x * mean_y + c1) * (2 * both + c2) / ((mean_x**2 + mean_y**2 + c1) * (var_x + var_y + c2))
    return float(like.mean())


def painter(scene: Scene) -> Callable[[float], Luma]:
    """What that scene's camera sent at a moment."""
    return lambda taken: scene.paint((round(taken * 1000) + 0.5) / 1000)[: scene.height]


def _usual_size(grabs: Sequence[Grab]) -> str | None:
    sizes = sorted(f"{grab.luma.shape[1]}x{grab.luma.shape[0]}" for grab in grabs)
    return max(sizes, key=sizes.count, default=None)
