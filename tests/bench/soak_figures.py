"""What `make soak` makes of its figures: trends that a few odd ones do not bend, and whether the aims were met. Pure.

A trend is Theil and Sen's: the median of the slopes between every two points. Its `noise` is what the scatter about it
could feign: twice the scatter (median absolute deviation, as a standard deviation), over the time that was judged. An
aim is missed where the trend exceeds its limit by more than that noise: a short run says little, and says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from statistics import median
from typing import Any

HOUR = 3600.0
MEMORY_MB_PER_HOUR = 2.0
DRIFT_MS = 20.0
FREEZE_S = 1.0
WARM_SHARE, WARM_MOST_S = 0.25, 600.0  # of the run: caches fill, allocators find their size
BUSY = 1.5  # load a core
SETTLE_S = 6.0  # after what was done to the call is over
DIRECTIONS = ("out", "in")
_GAUSSIAN = 1.4826  # from a median absolute deviation to a standard deviation
_FEWEST = 5
_ENDS = 5  # a fifth at either end of the run is compared for what is counted

Point = tuple[float, float]  # seconds, value


@dataclass(frozen=True)
class Trend:
    """`per_hour` and its `noise`, in units of the value an hour; `first` and `last`: the line's ends."""

    per_hour: float
    noise: float
    first: float
    last: float
    seconds: float


@dataclass(frozen=True)
class Aim:
    """Something to meet: `value` at most `limit`, give or take `noise`. Without a value it could not be judged."""

    name: str
    unit: str
    value: float | None
    limit: float
    noise: float = 0.0

    @property
    def met(self) -> bool:
        """Not judged is not met."""
        return self.value is not None and self.value <= self.limit + self.noise


def trend(points: Sequence[Point]) -> Trend | None:
    """None for fewer than five points, or no time between them."""
    slopes = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in combinations(points, 2) if b[0] != a[0]]
    if len(points) < _FEWEST or not slopes:
        return None
    slope = median(slopes)
    base = median(value - slope * at for at, value in points)
    scatter = _GAUSSIAN * median(abs(value - slope * at - base) for at, value in points)
    begin, end = min(at for at, _ in points), max(at for at, _ in points)
    return Trend(
        slope * HOUR, 2 * scatter / (end - begin) * HOUR, base + slope * begin, base + slope * end, end - begin
    )


def growth(points: Sequence[Point]) -> float | None:
    """By how much the median of the last fifth exceeds that of the first; None for too few points."""
    if len(points) < _FEWEST:
        return None
    share = max(1, len(points) // _ENDS)
    values = [value for _, value in points]
    return median(values[-share:]) - median(values[:share])


def warm_s(seconds: float) -> float:
    """How much of the begin of a run is not judged."""
    return min(WARM_MOST_S, WARM_SHARE * seconds)


def skews(probes: Sequence[Mapping[str, Any]], direction: str) -> list[Point]:
    """How much later sound is heard than the picture of its moment is seen, in ms, of each probe that tells."""
    return [
        (probe["at"], probe[direction]["skew_ms"])
        for probe in probes
        if probe[direction]["skew_ms"] is not None
    ]  # fmt: skip


def loop_apart(seconds: float, loop: float) -> float:
    """Seconds of a clock that goes round every `loop` seconds, nearest to nought."""
    return (seconds + loop / 2) % loop - loop / 2


def longest_freeze(pauses: Sequence[Sequence[float]], stirs: Sequence[Mapping[str, Any]]) -> float:
    """Seconds, of those pauses ([from, to], seconds) that nothing done to the call explains; 0 if there is none."""
    unexplained = [
        end - begin
        for begin, end in pauses
        if not any(begin < stir["until"] + SETTLE_S and end > stir["at"] for stir in stirs)
    ]
    return max(unexplained, default=0.0)


def judge(run: Mapping[str, Any]) -> list[Aim]:
    """The aims of a run, as soak.json has it."""
    warm = warm_s(run["seconds"])
    looks = [look for look in run["looks"] if look["at"] >= warm]
    aims = []
    for name in run["looks"][0]["processes"] if run["looks"] else ():
        for what, unit in (("own_mb", "MiB an hour"), ("threads", ""), ("fds", "")):
            points = [(look["at"], look["processes"][name][what]) for look in looks if name in look["processes"]]
            if what == "own_mb":
                found = trend(points)
                value, noise = (None, 0.0) if found is None else (found.per_hour, found.noise)
                aims.append(Aim(f"memory of {name}", unit, value, MEMORY_MB_PER_HOUR, noise))
            else:
                aims.append(Aim(f"{what} of {name}, growth", unit, growth(points), 0))
    for direction in DIRECTIONS:
        found = trend([point for point in skews(run["probes"], direction) if point[0] >= warm])
        hours = 0.0 if found is None else found.seconds / HOUR
        drift, noise = (None, 0.0) if found is None else (abs(found.per_hour) * hours, found.noise * hours)
        aims.append(Aim(f"drift of sound and picture, {direction}", "ms", drift, DRIFT_MS, noise))
        freeze = longest_freeze(run["pauses"][direction], run["stirs"])
        aims.append(Aim(f"longest freeze, {direction}", "s", freeze, FREEZE_S))
    unmended = sum(stir["mended_s"] is None for stir in run["stirs"])
    aims.append(Aim("not mended", "", unmended, 0))
    aims.append(Aim("the call ended, or a process died", "", len(run["ends"]), 0))
    return aims


def verdict(run: Mapping[str, Any]) -> dict[str, Any]:
    """`met`, and each aim with its figures."""
    aims = judge(run)
    told = [
        {
            **asdict(aim), "value": None if aim.value is None else round(aim.value, 3),
            "noise": round(aim.noise, 3), "met": aim.met,
        }
        for aim in aims
    ]  # fmt: skip
    busy = median(look["load"] for look in run["looks"]) > BUSY * run["cores"] if run["looks"] else False
    return {"met": all(aim.met for aim in aims), "busy": busy, "aims": told}


def table(told: Mapping[str, Any]) -> str:
    """A verdict to read."""
    lines = [f"{'':44}{'value':>10}{'noise':>9}{'at most':>9}"]
    for aim in told["aims"]:
        value = "?" if aim["value"] is None else f"{aim['value']:.2f}"
        noise = f"{aim['noise']:.2f}" if aim["noise"] else ""
        missed = "" if aim["met"] else "  MISSED"
        lines.append(f"{aim['name']:44}{value:>10}{noise:>9}{aim['limit']:>9g} {aim['unit']}{missed}")
    if told["busy"]:
        lines.append("the machine was busy with other things as well: how late sound and pictures are says little")
    return "\n".join(lines)
