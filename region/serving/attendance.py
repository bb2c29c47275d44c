"""Who is said to be connected, and whether they are: who has long said nothing is asked, and answers or is not there.

The broker tells of each end by a Will, save those it has lost itself: a station that dies together with its broker, or
while a broker without what it had kept begins anew, would be connected for ever. How often a station reports says
nothing here, for it may be set to an hour: it is asked by name (`dn/conn/<process>`) and says its `conn` again.

Pure. Times are monotonic seconds, save `at` and `since`, which are Unix seconds and only passed on. While the region
hears nothing nobody is judged: `begin` is told when it hears again, and all have their time anew. No step of a clock
and no machine that slept gives anybody up, for each has been asked `QUESTIONS` times, and had time for each answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from messaging.status import Connection, Process

ASK_AFTER_S = 120.0  # of silence; an agent that reports each minute is never asked
ANSWER_WITHIN_S = 30.0
QUESTIONS = 3
Who = tuple[str, Process]  # a station and which of its processes
Run = tuple[str, int]  # the boot and number of its connection


@dataclass
class _Line:
    run: Run
    heard: float
    at: float  # when it was last heard of
    there: bool
    said: Connection | None = None
    asked: float = float("-inf")
    times: int = 0


@dataclass(frozen=True)
class Missing:
    """It is said to be connected by this run, and has not been heard of since."""

    who: Who
    run: Run
    since: float


class Attendance:
    """Of those who answer when they are asked."""

    def __init__(self) -> None:
        self._lines: dict[Who, _Line] = {}

    def expect(self, who: Who, run: Run, now: float, at: float, *, there: bool = True) -> None:
        """It is known to be connected, or was until it was given up; one that has been heard here is left as it is."""
        self._lines.setdefault(who, _Line(run, now, at, there))

    def connected(self, who: Who, said: Connection, now: float, at: float) -> None:
        """It has said that it is there, or the broker that it had: only another connection than the known is news."""
        run = (said.boot, said.bd)
        line = self._lines.get(who)
        if line is None or line.run != run:
            self._lines[who] = _Line(run, now, at, True, said)
        else:
            line.said = said

    def has_said(self, who: Who, said: Connection) -> bool:
        """Whether that is just what it has said already, and it counts as there."""
        line = self._lines.get(who)
        return line is not None and line.there and line.said == said

    def forget(self, who: Who) -> None:
        """It has gone, and was told of."""
        self._lines.pop(who, None)

    def clear(self) -> None:
        """Another process looks after them."""
        self._lines.clear()

    def heard(self, who: Who, now: float, at: float) -> bool:
        """It has said something just now; whether it had been given up."""
        line = self._lines.get(who)
        if line is None:
            return False
        was_there, line.there = line.there, True
        line.heard, line.at, line.times = now, at, 0
        return not was_there

    def begin(self, now: float) -> None:
        """The region hears (again): what was said until now may have passed it by."""
        for line in self._lines.values():
            line.heard, line.times = now, 0

    def to_ask(self, now: float, most: int) -> list[Who]:
        """Those to be asked now; `asked` is told of each that was."""
        due = sorted((line.heard, who) for who, line in self._lines.items() if _is_due(line, now))
        return [who for _, who in due[:most]]

    def asked(self, who: Who, now: float) -> None:
        """The broker has taken the question."""
        if (line := self._lines.get(who)) is not None:
            line.asked, line.times = now, line.times + 1

    def missing(self, now: float) -> Iterator[Missing]:
        """Those who have not answered; `give_up` is told of each of whom that is known."""
        for who, line in self._lines.items():
            if line.there and line.times >= QUESTIONS and now - line.asked >= ANSWER_WITHIN_S:
                yield Missing(who, line.run, line.at)

    def give_up(self, one: Missing) -> None:
        """It counts as gone, and is asked now and then whether it has come back."""
        line = self._lines.get(one.who)
        if line is not None and line.run == one.run and line.times >= QUESTIONS:
            line.there = False

    def forget_run(self, one: Missing) -> None:
        """That connection is over, and was told of."""
        line = self._lines.get(one.who)
        if line is not None and line.run == one.run:
            del self._lines[one.who]

    def is_back(self, one: Missing) -> bool:
        """Whether it has been heard since it was given up."""
        line = self._lines.get(one.who)
        return line is not None and line.there


def _is_due(line: _Line, now: float) -> bool:
    pause = ANSWER_WITHIN_S if line.there else ASK_AFTER_S
    return (
        now - line.heard >= ASK_AFTER_S and now - line.asked >= pause and not (line.there and line.times >= QUESTIONS)
    )
