"""How often a source may guess: a sliding window, decided without I/O."""

from __future__ import annotations

from collections import OrderedDict, deque

from messaging.clock import Clock


class GuessLimiter:
    """At most `tries` in any `window_s` seconds a source. Remembers a bounded number of sources, the latest."""

    def __init__(self, tries: int = 10, window_s: float = 600.0, most_sources: int = 10_000) -> None:
        self._tries = tries
        self._window = window_s
        self._most = most_sources
        self._taken: OrderedDict[str, deque[float]] = OrderedDict()

    def take(self, source: str, now: float) -> float:
        """Count a try at `now` (monotonic seconds). 0: go on. More: refused, and the seconds until the next is free."""
        taken = self._taken.setdefault(source, deque())
        self._taken.move_to_end(source)
        while len(self._taken) > self._most:
            self._taken.popitem(last=False)
        while taken and taken[0] <= now - self._window:
            taken.popleft()
        if len(taken) >= self._tries:
            return taken[0] + self._window - now
        taken.append(now)
        return 0.0

    def give_back(self, source: str) -> None:
        """The last try was an honest one: it does not count."""
        taken = self._taken.get(source)
        if taken:
            taken.pop()
        if not taken:
            self._taken.pop(source, None)


class OwnTries:
    """`ports.Tries` in memory, for a process that nobody shares its callers with."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._limiter = GuessLimiter()

    async def take(self, source: str) -> float:
        """As `Tries`."""
        return self._limiter.take(source, self._clock.monotonic())

    async def give_back(self, source: str) -> None:
        """As `Tries`."""
        self._limiter.give_back(source)
