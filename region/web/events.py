"""Live updates: a hub that pages listen to over server-sent events.

Source: WHATWG HTML, 9.2 Server-sent events.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.responses import StreamingResponse

from messaging.clock import Clock

KEEP_ALIVE_S = 15.0
MOST_WAITING = 64
_LEASE = "lease:"


@dataclass(frozen=True)
class Lease:
    """How long a stream may go on: for as long as `holds`, which is asked now and then.

    `whose`: the name by which it is asked at once (`Hub.doubt`). `lost` is told when it held no more, and the stream
    is over; nobody is told of a page that goes by itself.
    """

    holds: Callable[[], Awaitable[bool]]
    whose: str = ""
    lost: Callable[[], Coroutine[Any, Any, None]] | None = None


class Listener:
    """One page that listens: a bounded queue. A page too slow for it loses what waits and is told to fetch anew."""

    def __init__(self, names: tuple[str, ...] = (), lease: Lease | None = None, most: int = MOST_WAITING) -> None:
        self.names = names
        self.lease = lease
        self._waiting: deque[str] = deque()
        self._most = most
        self._woken = asyncio.Event()
        self.closed = False

    def put(self, chunk: str) -> None:
        """Queue one event as it goes on the wire."""
        if len(self._waiting) >= self._most:
            self._waiting.clear()
            chunk = encode_event("resync", {})
        self._waiting.append(chunk)
        self._woken.set()

    def close(self, last: str = "") -> None:
        """Nothing comes after this."""
        if last:
            self._waiting.append(last)
        self.closed = True
        self._woken.set()

    async def take(self) -> str:
        """All that waits, joined; empty when the hub has closed."""
        while not self._waiting and not self.closed:
            self._woken.clear()
            await self._woken.wait()
        chunk = "".join(self._waiting)
        self._waiting.clear()
        return chunk


class Hub:
    """Who listens to what. Names of topics are the subjects' own: `fleet`, `clinic:3`, `person:7`."""

    def __init__(self, clock: Clock) -> None:
        self.to_others: Callable[[str, str, Any], None] | None = None  # carries it to the region's other processes
        self._clock = clock
        self._topics: dict[str, set[Listener]] = {}
        self._closed = False
        self._watched: dict[str, Callable[[str], None]] = {}
        self._left: dict[str, Callable[[str], None]] = {}
        self._asking: set[asyncio.Task[None]] = set()

    def publish(self, topic: str, event: str, data: Any = None) -> None:
        """Tell all who listen to the topic, at whichever process. `data` is a text as it is, or plain data as JSON."""
        self.deliver(topic, event, data)
        if self.to_others is not None:
            self.to_others(topic, event, data)

    def watch(self, prefix: str, heard: Callable[[str], None]) -> None:
        """Call `heard` with what follows the prefix whenever something is told on such a topic."""
        self._watched[prefix] = heard

    def when_left(self, prefix: str, left: Callable[[str], None]) -> None:
        """Call `left` with what follows the prefix when the last page here that listened to such a topic has gone."""
        self._left[prefix] = left

    def doubt(self, whose: str) -> None:
        """Ask at once, at every process, whether streams by that name may go on."""
        self.publish(f"{_LEASE}{whose}", "doubt")

    def doubt_here(self, whose: str) -> None:
        """The same at this process alone, where each finds out by itself."""
        self.deliver(f"{_LEASE}{whose}", "doubt")

    def resync(self) -> None:
        """Something may have been missed: every page fetches anew."""
        for listener in self._everybody():
            listener.put(encode_event("resync", {}))

    def deliver(self, topic: str, event: str, data: Any = None) -> None:
        """Tell those who listen at this process."""
        _call(self._watched, topic)
        listeners = self._topics.get(topic)
        if listeners and topic.startswith(_LEASE):
            for listener in listeners:
                self._begin(self._ask(listener))
        elif listeners:
            chunk = encode_event(event, data)
            for listener in listeners:
                listener.put(chunk)

    def listeners(self, topic: str) -> int:
        """How many pages listen to the topic."""
        return len(self._topics.get(topic, ()))

    async def stream(
        self, topics: Iterable[str], lease: Lease | None = None, first: Iterable[str] = ()
    ) -> AsyncGenerator[str, None]:  # fmt: skip
        """Events of these topics as they go on the wire, with comments to keep the line open.

        The lease is looked at with each comment; when it holds no more the stream tells `signed_out` and ends. `first`
        goes out at once, after listening has begun, so nothing falls between a snapshot and the updates.
        """
        names = (*topics, *([f"{_LEASE}{lease.whose}"] if lease is not None and lease.whose else []))
        listener = Listener(names, lease)
        for name in names:
            self._topics.setdefault(name, set()).add(listener)
        if self._closed:
            listener.close()
        keeper = asyncio.create_task(self._keep_alive(listener), name="keep a stream alive")
        try:
            yield ": listening\n\n" + "".join(first)
            while chunk := await listener.take():
                yield chunk
        finally:
            keeper.cancel()
            self._forget(listener)

    def response(
        self, topics: Iterable[str], lease: Lease | None = None, first: Iterable[str] = ()
    ) -> StreamingResponse:  # fmt: skip
        """The stream as a response."""
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(self.stream(topics, lease, first), media_type="text/event-stream", headers=headers)

    def close(self) -> None:
        """End every stream; new ones end at once."""
        self._closed = True
        for listener in self._everybody():
            listener.close()

    async def settled(self) -> None:
        """Wait until no stream is asked about any more; before the database is closed."""
        while self._asking:
            await asyncio.wait(self._asking)

    def _everybody(self) -> set[Listener]:
        return {listener for listeners in self._topics.values() for listener in listeners}

    async def _keep_alive(self, listener: Listener) -> None:
        while not listener.closed:
            await self._clock.sleep(KEEP_ALIVE_S)
            # A page that goes just now does not cut off the asking: a connection to the database would be left open.
            await asyncio.shield(self._begin(self._ask(listener)))
            if not listener.closed:
                listener.put(": still here\n\n")

    async def _ask(self, listener: Listener) -> None:
        """Whether its lease holds; if not it hears nothing more, also where its page does not read what it was sent."""
        lease = listener.lease
        if lease is None or listener.closed or await lease.holds() or listener.closed:
            return
        listener.close(encode_event("signed_out", {}))
        self._forget(listener)
        if lease.lost is not None:
            self._begin(lease.lost())  # not in the stream's own keeper, which ends with it

    def _begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work, name="look whether a stream may go on")
        self._asking.add(task)
        task.add_done_callback(self._asking.discard)
        return task

    def _forget(self, listener: Listener) -> None:
        for name in listener.names:
            listeners = self._topics.get(name, set())
            if listener not in listeners:
                continue
            listeners.discard(listener)
            if not listeners:
                self._topics.pop(name, None)
                _call(self._left, name)


def _call(by_prefix: Mapping[str, Callable[[str], None]], topic: str) -> None:
    for prefix, act in by_prefix.items():
        if topic.startswith(prefix):
            act(topic.removeprefix(prefix))


def encode_event(event: str, data: Any = None) -> str:
    """One event on the wire. A text goes as it is, a line a line; anything else as JSON."""
    text = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    lines = "".join(f"data: {line}\n" for line in text.splitlines() or [""])
    return f"event: {event}\n{lines}\n"
