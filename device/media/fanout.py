"""Encoded packets to every peer: each peer has a bounded queue of its own, so a slow one harms nobody else."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

import av


class Outlet:
    """One peer's queue of packets, on the loop; when it overflows, its pictures go on from the next key frame.

    `on_key_wanted` is called when only a key frame can be used. Sound has none (`keyed=False`): there the oldest goes.
    `on_ready` is called when a packet has come; who takes them sets it.
    """

    def __init__(self, size: int, on_key_wanted: Callable[[], None] = lambda: None, keyed: bool = True) -> None:
        self._packets: deque[av.Packet[Any]] = deque()
        self._size = size
        self._keyed = keyed
        self._on_key_wanted = on_key_wanted
        self._awaiting_key = keyed
        self.on_ready: Callable[[], None] = lambda: None
        self.dropped = 0

    @property
    def waiting(self) -> int:
        """Bytes in the queue."""
        return sum(packet.size for packet in self._packets)

    def put(self, packet: av.Packet[Any]) -> None:
        """Queue a packet, or drop what cannot be used."""
        if len(self._packets) >= self._size:
            self._overflow()
        if self._awaiting_key and not packet.is_keyframe:
            self.dropped += 1
            return
        self._awaiting_key = False
        self._packets.append(packet)
        self.on_ready()

    def pop(self) -> av.Packet[Any] | None:
        """The oldest packet, if there is one."""
        return self._packets.popleft() if self._packets else None

    def keep_newest(self) -> None:
        """Drop all but the newest packet."""
        while len(self._packets) > 1:
            self._packets.popleft()
            self.dropped += 1

    def _overflow(self) -> None:
        if self._keyed:
            self.dropped += len(self._packets)
            self._packets.clear()
            self._awaiting_key = True
            self._on_key_wanted()
        else:
            self.dropped += 1
            self._packets.popleft()


class Fanout:
    """The outlets of one stream of packets."""

    def __init__(self) -> None:
        self._outlets: list[Outlet] = []

    def add(self, outlet: Outlet) -> None:
        """From now on this outlet gets every packet."""
        self._outlets.append(outlet)

    def remove(self, outlet: Outlet) -> None:
        """No more for this outlet (one that is not here is no error)."""
        if outlet in self._outlets:
            self._outlets.remove(outlet)

    def publish(self, packets: list[av.Packet[Any]]) -> None:
        """Give packets to every outlet."""
        for outlet in self._outlets:
            for packet in packets:
                outlet.put(packet)

    def __len__(self) -> int:
        return len(self._outlets)
