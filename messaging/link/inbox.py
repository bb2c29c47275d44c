"""What has come from the broker and waits to be taken: nothing that will come again is ever thrown away in silence.

A broker ought to send no more than the receive maximum without an acknowledgement, but mosquitto 2.0.11 (Debian 12)
opens the whole window anew at each acknowledgement, so thousands may come at once. Memory is bounded all the same.
"""

from __future__ import annotations

import asyncio

from messaging.link.bursts import burst_of
from messaging.link.port import Inbound, LinkEvent

MOST_UNASSURED = 1000  # events waiting, past which a message at QoS 0 is let go
MOST_BYTES = 64 * 1024 * 1024  # of payload waiting, past which one at QoS 1 is not taken


class Overfull(Exception):
    """A message at QoS 1 finds no room: only a new connection makes the broker send it again."""


class Inbox:
    """`dropped` counts messages at QoS 0 that found no room. For one event loop."""

    def __init__(self, most_unassured: int = MOST_UNASSURED, most_bytes: int = MOST_BYTES) -> None:
        self.dropped = 0
        self._most_unassured = most_unassured
        self._most_bytes = most_bytes
        self._events: asyncio.Queue[LinkEvent] = asyncio.Queue()
        self._bytes = 0

    def put(self, event: LinkEvent, *, assured: bool = True) -> None:
        """One more; `assured` if the broker sends it again (QoS 1). Raises Overfull."""
        if isinstance(event, Inbound):
            if not assured and self._events.qsize() >= self._most_unassured:
                self.dropped += 1
                return
            if self._bytes and self._bytes + len(event.payload) > self._most_bytes:
                raise Overfull(f"{self._events.qsize()} messages wait to be dealt with")
            self._bytes += len(event.payload)
        self._events.put_nowait(event)

    async def take(self, most: int = 1) -> list[LinkEvent]:
        """Wait for one, and take with it what has come besides, `most` in all, in order."""
        found = await burst_of(self._events, most)
        self._bytes -= sum(len(event.payload) for event in found if isinstance(event, Inbound))
        return found

    def clear(self) -> None:
        """Forget what nobody has taken: unacknowledged, it comes again to whoever connects next."""
        while not self._events.empty():
            self._events.get_nowait()
        self._bytes = 0
