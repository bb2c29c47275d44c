"""Packets of sound in the order of their timestamps, until their sound is due."""

from __future__ import annotations

from bisect import bisect_left, insort
from dataclasses import dataclass, field

MOST = 300  # packets: 6 s of 20 ms; what is beyond is too old to be played
_TIMESTAMPS = 1 << 32


@dataclass(frozen=True, order=True)
class Packet:
    """`position` is the RTP timestamp, unwrapped; `samples` how much sound it holds, at 48 kHz."""

    position: int
    number: int = field(compare=False)
    data: bytes = field(compare=False)
    samples: int = field(compare=False)


class PacketStore:
    """Holds at most MOST packets; what comes twice or after its time is counted and left out."""

    def __init__(self) -> None:
        self._packets: list[Packet] = []
        self._reference: int | None = None
        self._due = -(1 << 62)
        self.duplicates = 0
        self.late = 0

    def unwrap(self, timestamp: int) -> int:
        """The position of this timestamp, near that of the last packet."""
        if self._reference is None:
            return timestamp
        step = (timestamp - self._reference + _TIMESTAMPS // 2) % _TIMESTAMPS - _TIMESTAMPS // 2
        return self._reference + step

    def add(self, packet: Packet) -> bool:
        """Keep it until it is due, if it is not already too late for that; False if it has come before and waits."""
        self._reference = packet.position
        if packet.position < self._due:
            self.late += 1
            return True
        at = bisect_left(self._packets, packet)
        if at < len(self._packets) and self._packets[at].position == packet.position:
            self.duplicates += 1
            return False
        insort(self._packets, packet)
        if len(self._packets) > MOST:
            self._packets.pop(0)
        return True

    def first_from(self, position: int) -> Packet | None:
        """The first packet at or after this position, which stays; what is older is dropped now and later."""
        stale = bisect_left(self._packets, position, key=_position)
        self.late += stale
        self._drop(stale, position)
        return self.first()

    def skip_to(self, position: int) -> int:
        """Leave out what is before this position; how many samples of sound that were."""
        stale = bisect_left(self._packets, position, key=_position)
        samples = sum(packet.samples for packet in self._packets[:stale])
        self._drop(stale, position)
        return samples

    def first(self) -> Packet | None:
        """The oldest packet, whatever its position; it stays."""
        return self._packets[0] if self._packets else None

    def take(self) -> None:
        """The first packet has been used."""
        packet = self._packets.pop(0)
        self._due = packet.position + packet.samples

    def _drop(self, count: int, due: int) -> None:
        del self._packets[:count]
        self._due = due

    def clear(self) -> None:
        """Forget all packets and where they stood; the counts stay."""
        self._packets.clear()
        self._reference = None
        self._due = -(1 << 62)

    def __len__(self) -> int:
        return len(self._packets)

    @property
    def samples(self) -> int:
        """How much sound is waiting, at 48 kHz."""
        return sum(packet.samples for packet in self._packets)


def _position(packet: Packet) -> int:
    return packet.position
