"""Which packets are missing, and when each is to be asked for (RFC 4585 NACK). Pure: numbers and times in, numbers out.

A hole is asked for at once, unless this line is known to mix up the order of packets: then it is given the time by
which such packets have come late. While the answer could still come in time it is asked for again after a round trip.
"""

from __future__ import annotations

from dataclasses import dataclass

from device.media.receiving.serial import RESTART, ahead

PATIENCE_S = 0.4  # how long a retransmission may take on a line of ordinary length, before a key frame is better
MOST_PATIENCE_S = 1.0
MOST_ASKS = 4  # for one packet
MOST_IN_ONE = 128  # packets asked for at once: what one RTCP packet carries, and what senders keep
_MOST_HOLES = 256  # a longer gap is not mended packet by packet
_ROUND_TRIP_S = 0.1  # until one has been measured
_MARGIN_S = 0.01
_LONGER = 1.25  # times the round trip, after an answer that came when it had been asked for twice
_LONGEST_S = 0.4  # that is believed so: with this there is time for two questions
_MOST_TOLERANCE_S = 0.05
_FORGET_ORDER = 0.9  # of the tolerance stays with each new hole


@dataclass(slots=True)
class _Hole:
    seen: float
    asked: float = 0.0
    asks: int = 0


class LossTracker:
    """One stream's sequence numbers. `now` is in seconds and never falls."""

    def __init__(self) -> None:
        self._newest: int | None = None
        self._holes: dict[int, _Hole] = {}  # in the order in which they were seen
        self._tolerance = 0.0
        self._trip = _ROUND_TRIP_S
        self._trip_varies = _ROUND_TRIP_S / 2
        self._measured = self._told = False
        self.expected = 0  # packets that were sent, as far as their numbers tell
        self.lost = 0  # of these, lost on their first way
        self.recovered = 0  # of the lost, those that came when asked for
        self.asked = 0  # numbers asked for, each time counted

    @property
    def round_trip(self) -> float:
        """Seconds from asking until the answer is here."""
        return self._trip

    @property
    def patience(self) -> float:
        """Seconds after which a missing packet is given up."""
        return min(max(PATIENCE_S, 2.2 * self._trip + 0.1), MOST_PATIENCE_S)

    @property
    def missing(self) -> int:
        """How many packets are missing now and not given up."""
        return len(self._holes)

    def tell_round_trip(self, seconds: float) -> None:
        """What is known of the round trip otherwise (from RTCP): better than what answers tell, which may be lost."""
        if not self._told:
            self._told, self._trip_varies = True, seconds / 2
        self._trip = seconds

    def take(self, number: int, now: float, repair: bool) -> None:
        """A packet came; `repair`: as a retransmission (RFC 4588), not on its first way."""
        if self._newest is None:
            self._begin(number)
            return
        step = ahead(number, self._newest)
        if step == 0:
            return
        if RESTART < step < 0x10000 - RESTART:
            self._begin(number)
        elif step < 0x8000:
            self._advance(number, step, now)
        elif (hole := self._holes.pop(number, None)) is not None:
            self._fill(hole, now, repair)

    def due(self, now: float) -> list[int]:
        """What to ask for now, at most MOST_IN_ONE; what came too late to be of use is forgotten."""
        if not self._holes:
            return []
        patience, again = self.patience, self._again()
        numbers: list[int] = []
        for number, hole in tuple(self._holes.items()):
            if now - hole.seen >= patience:
                del self._holes[number]
                self.lost += not hole.asks
            elif len(numbers) < MOST_IN_ONE and self._is_due(hole, now, again, patience):
                self.lost += not hole.asks
                hole.asked, hole.asks = now, hole.asks + 1
                numbers.append(number)
        self.asked += len(numbers)
        return numbers

    def give_up_before(self, number: int) -> None:
        """Nothing before this number is of use any more."""
        for missing in tuple(self._holes):
            if ahead(missing, number) >= 0x8000:
                self.lost += not self._holes.pop(missing).asks

    def _is_due(self, hole: _Hole, now: float, again: float, patience: float) -> bool:
        if not hole.asks:
            return now - hole.seen >= self._tolerance
        return hole.asks < MOST_ASKS and now - hole.asked >= again and now + self._trip <= hole.seen + patience

    def _again(self) -> float:
        """After how long without an answer to ask again: in time for one more to be of use, if the trip allows it."""
        unsure = self._trip + 2 * self._trip_varies + _MARGIN_S
        return min(unsure, max(self._trip + _MARGIN_S, self.patience - self._trip - _MARGIN_S))

    def _begin(self, number: int) -> None:
        self._holes.clear()
        self._newest = number
        self.expected += 1

    def _advance(self, number: int, step: int, now: float) -> None:
        self.expected += step
        if step > 1:
            self._tolerance *= _FORGET_ORDER
        if step - 1 > _MOST_HOLES - len(self._holes):
            self.lost += step - 1 + sum(not hole.asks for hole in self._holes.values())
            self._holes.clear()
        else:
            for missing in range(number - step + 1, number):
                self._holes[missing & 0xFFFF] = _Hole(now)
        self._newest = number

    def _fill(self, hole: _Hole, now: float, repair: bool) -> None:
        if not repair:
            self.lost -= bool(hole.asks)
            self._tolerance = max(self._tolerance, min(now - hole.seen, _MOST_TOLERANCE_S))
            return
        self.recovered += 1
        self.lost += not hole.asks
        if hole.asks == 1:
            self._measure(now - hole.asked)
        elif hole.asks and not self._told:  # which time was answered cannot be told: perhaps we ask too soon
            waited = now - hole.seen
            self._trip = max(self._trip, min(waited, self._trip * _LONGER, _LONGEST_S))

    def _measure(self, waited: float) -> None:
        """As RFC 6298 does for TCP."""
        if not self._measured and not self._told:
            self._trip, self._trip_varies, self._measured = waited, waited / 2, True
            return
        self._trip_varies += (abs(waited - self._trip) - self._trip_varies) / 4
        if not self._told:
            self._trip += (waited - self._trip) / 8
