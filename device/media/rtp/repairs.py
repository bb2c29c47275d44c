"""What has been sent, and whether to send it again: bounded in packets, bytes, times, age and share of the line."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

MOST_PACKETS = 512
MOST_BYTES = 512 * 1024
MOST_TIMES = 3
SHARE = 0.2  # of the pictures' budget
_SAVED_S = 0.25  # the share that has not been used is kept for so long
_LEAST_SAVED = 3_600  # bytes: three packets can be repaired on any line
_USEFUL_S = 1.0  # beyond a round trip: who still asks still waits, and a repair is a tenth of a key frame
_UNKNOWN_RTT_S = 0.2
_AGAIN = 0.8  # of a round trip: sooner, the first repair is still under way


@dataclass(slots=True)
class Sent:
    """A packet as it can be sent again."""

    payload: bytes
    timestamp: int
    marker: bool
    at: float
    times: int = 0
    repaired_at: float = float("-inf")


@dataclass(frozen=True)
class Verdict:
    """`again`: sequence numbers to send now. `lost`: something that is needed will never come; send a key frame."""

    again: tuple[int, ...]
    lost: bool


class Repairs:
    """The latest packets of one stream of pictures; those since the last key frame come first."""

    def __init__(self, now: float) -> None:
        self._sent: OrderedDict[int, Sent] = OrderedDict()
        self._bytes = 0
        self._bytes_s = 0.0
        self._credit = float(_LEAST_SAVED)
        self._filled = now
        self._key_at: int | None = None  # the first packet of the last key frame
        self.refused = 0  # packets asked for that were not sent again

    def set_budget(self, video_bps: int) -> None:
        """What pictures may take, bits a second."""
        self._bytes_s = SHARE * video_bps / 8

    def key_frame(self, sequence: int) -> None:
        """A key frame begins with this packet; most receivers can go on without what was before it."""
        self._key_at = sequence

    def remember(self, sequence: int, payload: bytes, timestamp: int, marker: bool, now: float) -> None:
        """Keep what has just been sent."""
        self._sent[sequence] = Sent(payload, timestamp, marker, now)
        self._bytes += len(payload)
        while len(self._sent) > MOST_PACKETS or self._bytes > MOST_BYTES:
            self._bytes -= len(self._sent.popitem(last=False)[1].payload)

    def __getitem__(self, sequence: int) -> Sent:
        return self._sent[sequence]

    def asked(self, lost: list[int], round_trip_s: float | None, now: float) -> Verdict:
        """The other side misses these."""
        trip = _UNKNOWN_RTT_S if round_trip_s is None else round_trip_s
        self._refill(now)
        again: list[int] = []
        hopeless = False
        for sequence in sorted(dict.fromkeys(lost), key=self._since_key, reverse=True):
            packet = self._sent.get(sequence)
            if packet is None:
                hopeless |= self._since_key(sequence)
            elif now - packet.repaired_at < _AGAIN * trip:
                continue  # it is on its way
            elif packet.times >= MOST_TIMES or now - packet.at > trip + _USEFUL_S:
                hopeless |= self._since_key(sequence)
            elif self._credit >= len(packet.payload):
                self._credit -= len(packet.payload)
                packet.times += 1
                packet.repaired_at = now
                again.append(sequence)
                continue
            self.refused += 1
        return Verdict(tuple(again), hopeless)

    def _since_key(self, sequence: int) -> bool:
        return self._key_at is not None and (sequence - self._key_at) & 0xFFFF < 0x8000

    def _refill(self, now: float) -> None:
        most = max(_LEAST_SAVED, self._bytes_s * _SAVED_S)
        self._credit = min(most, self._credit + (now - self._filled) * self._bytes_s)
        self._filled = now
