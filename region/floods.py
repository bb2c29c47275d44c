"""How much one station may say: past it nothing is looked at, so that one that is broken, or not ours any more, holds
up nobody else. An outbox that fills while a station is away for days, and all of its calls, stay far below."""

from __future__ import annotations

import logging
from collections import OrderedDict
from dataclasses import dataclass

from messaging.errors import MessageError

_log = logging.getLogger(__name__)
MOST = 20_000  # messages; an outbox holds 5000
WITHIN_S = 600.0
_MOST_STATIONS = 50_000


class Flood(MessageError):
    """More than one station may say."""

    code = "flood"


@dataclass
class _Said:
    since: float
    count: int = 0


class Counts:
    """Counts by the station, in windows of `WITHIN_S` that begin with its first message."""

    def __init__(self) -> None:
        self._said: OrderedDict[str, _Said] = OrderedDict()

    def add(self, station: str, now: float, more: int = 1) -> int:
        """So many more, at `now` (monotonic seconds); how many that makes."""
        said = self._said.get(station)
        if said is None or now - said.since >= WITHIN_S:
            self._said.pop(station, None)
            said = self._said[station] = _Said(now)
            while len(self._said) > _MOST_STATIONS:
                self._said.popitem(last=False)
        said.count += more
        return said.count


class Floods:
    """What the stations say, counted."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._counts = Counts()

    def count(self, station: str, now: float) -> None:
        """One message more, at `now` (monotonic seconds); Flood if that is too many."""
        count = self._counts.add(station, now)
        if count == self._most + 1:
            _log.error(
                "ALARM: %s has said more than %d things within ten minutes; it is not heard until they are over: revoke"
                " it if it has been stolen, and look at it if not", station, self._most
            )  # fmt: skip
        if count > self._most:
            raise Flood(f"more than {self._most} messages within {WITHIN_S:.0f} s")


def speaker(topic: str) -> str:
    """Whose topic it is: the broker lets nobody else say anything there."""
    return topic.partition("/up/")[0].rpartition("/")[2]
