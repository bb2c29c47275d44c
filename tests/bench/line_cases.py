"""The lines of `bench-line`, and how long each is looked at."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tests.bench.impair import CLEAR, Impairment

WARM_S = 6.0  # of the call on its line before it is judged
MEASURE_S = 15.0
_BEFORE_S = 3.0  # of a good line before it becomes bad
_AFTER_S = 10.0  # to recover in


@dataclass(frozen=True)
class Case:
    """A line. `impairment` holds from before the press; its schedule begins with the time that is judged.

    `mending`: the part of that time, in seconds from its begin, in which the call has to recover.
    """

    name: str
    impairment: Impairment
    seconds: float
    mending: tuple[float, float] | None = None

    @property
    def standing(self) -> Impairment:
        """The line before the time that is judged."""
        return replace(self.impairment, schedule=())


def cases(measure_s: float = MEASURE_S) -> dict[str, Case]:
    """All of them by name; `measure_s` for those on which nothing happens."""
    standing = {
        **{f"cap{kbps}": Impairment(cap_kbps=kbps) for kbps in (150, 300, 500, 1000)},
        **{f"loss{percent}": Impairment(loss=percent / 100) for percent in (1, 5, 10)},
        "delay150_jitter30": Impairment(delay_ms=150, jitter_ms=30),
    }
    every = {name: Case(name, line, measure_s) for name, line in standing.items()}
    for seconds in (2.0, 10.0):
        up = _BEFORE_S + seconds
        cut = Impairment(schedule=((_BEFORE_S, Impairment(loss=1.0)), (up, CLEAR)))
        name = f"burst{seconds:.0f}"
        every[name] = Case(name, cut, up + _AFTER_S, (up, up + _AFTER_S))
    wide, narrow = Impairment(cap_kbps=2000), Impairment(cap_kbps=300)
    moves = replace(wide, schedule=((4.0, narrow), (12.0, wide)))
    every["cap_moves"] = Case("cap_moves", moves, 22.0, (4.0, 12.0))
    return every


def chosen(names: str, measure_s: float = MEASURE_S) -> list[Case]:
    """Those of a comma-separated list, in their own order; all for an empty one; ValueError for an unknown name.

    Only by its name: `clear`, a line that lacks nothing, which tells what the measuring itself costs.
    """
    every = cases(measure_s)
    wanted = [name.strip() for name in names.split(",") if name.strip()] or list(every)
    every = {"clear": Case("clear", CLEAR, measure_s), **every}
    unknown = [name for name in wanted if name not in every]
    if unknown:
        raise ValueError(f"there is no case {', '.join(unknown)}; there are {', '.join(every)}")
    return [case for name, case in every.items() if name in wanted]
