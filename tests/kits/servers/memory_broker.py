"""A broker in process, with knobs for its faults: what unit tests and rehearsals stand on.

It keeps MQTT 5's rules that matter here: retained messages, Wills, sessions that outlive a connection, redelivery of
what was not acknowledged, order, and `+` and `#` in filters.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from messaging.link.bursts import burst_of
from messaging.link.port import Down, Inbound, LinkDown, LinkEvent, LinkRefused, Up

_NOT_AUTHORISED = 0x87


@dataclass
class _Session:
    subscriptions: tuple[str, ...]
    events: asyncio.Queue[LinkEvent] = field(default_factory=asyncio.Queue)
    unacknowledged: dict[int, Inbound] = field(default_factory=dict)
    waiting: deque[Inbound] = field(default_factory=deque)
    will: tuple[str, bytes] | None = None
    up: bool = False

    def listens(self, topic: str) -> bool:
        """Whether what is said there is for it, now or when it is back."""
        return any(matches(one, topic) for one in self.subscriptions)


class MemoryBroker:
    """Carries messages between its links. `log` holds every (client, topic, payload) taken."""

    def __init__(self) -> None:
        self.log: list[tuple[str, str, bytes]] = []
        self.retained: dict[str, bytes] = {}
        self._sessions: dict[str, _Session] = {}
        self._tokens = itertools.count(1)
        self._cut: set[str] = set()
        self._refused: dict[str, tuple[str, ...]] = {}
        self._duplicate = False
        self._silent: set[str] = set()

    def link(
        self, client_id: str, subscriptions: tuple[str, ...], will: Callable[[], tuple[str, bytes]] | None = None
    ) -> MemoryLink:
        """A link for one client; a second one with the same id takes the first one's session over."""
        return MemoryLink(self, client_id, subscriptions, will)

    def cut(self, client_id: str, *, say_will: bool = False) -> None:
        """Break a client's connection and keep it broken; with `say_will`, as long as the Will's delay."""
        self._cut.add(client_id)
        session = self._sessions.get(client_id)
        if session is not None and session.up:
            self.disconnect(client_id, "cut")
        if say_will and session is not None and session.will is not None:
            self.publish(client_id, *session.will, retain=True)

    def silence(self, client_id: str) -> None:
        """The client's line dies without a word: nothing it says arrives, and nothing breaks."""
        self._silent.add(client_id)

    def is_silent(self, client_id: str) -> bool:
        """Whether its line is dead."""
        return client_id in self._silent

    def restore(self, client_id: str) -> None:
        """Let the client connect again; it does at once."""
        self._cut.discard(client_id)
        self._silent.discard(client_id)
        if client_id in self._sessions:
            self.connect(client_id)

    def refuse(self, client_id: str, *filters: str) -> None:
        """Refuse this client's publishes to topics that match."""
        self._refused[client_id] = filters

    def duplicate_next(self) -> None:
        """Deliver the next message twice, as QoS 1 may."""
        self._duplicate = True

    # --- what a link does ---

    def attach(self, client_id: str, subscriptions: tuple[str, ...], will: tuple[str, bytes] | None) -> _Session:
        """Begin or resume a session."""
        session = self._sessions.setdefault(client_id, _Session(subscriptions))
        session.subscriptions, session.will = subscriptions, will
        if client_id not in self._cut | self._silent:
            self.connect(client_id)
        return session

    def connect(self, client_id: str) -> None:
        """Bring a session up: Up, then retained messages, then what was not acknowledged, then what waited."""
        session = self._sessions[client_id]
        if session.up:
            return
        session.up = True
        session.events.put_nowait(Up(resumed=bool(session.unacknowledged or session.waiting)))
        again, session.unacknowledged = list(session.unacknowledged.values()), {}
        for topic, payload in self.retained.items():
            self._offer(session, topic, payload, retained=True)
        for message in again + list(session.waiting):
            self._deliver(session, message)
        session.waiting.clear()

    def disconnect(self, client_id: str, reason: str) -> None:
        """Take a session down; it goes on collecting."""
        session = self._sessions[client_id]
        session.up = False
        session.events.put_nowait(Down(reason))

    def publish(self, client_id: str, topic: str, payload: bytes, *, retain: bool = False) -> bool:
        """Carry one message; LinkRefused if the client may not, False if nobody listens."""
        if any(matches(one, topic) for one in self._refused.get(client_id, ())):
            raise LinkRefused(f"not authorised: {topic}", _NOT_AUTHORISED)
        self.log.append((client_id, topic, payload))
        if retain:
            self.retained.pop(topic, None)
            if payload:
                self.retained[topic] = payload
        copies, self._duplicate = 2 if self._duplicate else 1, False
        for session in self._sessions.values():
            for _ in range(copies):
                self._offer(session, topic, payload, retained=retain)
        return any(session.listens(topic) for session in self._sessions.values())

    def _offer(self, session: _Session, topic: str, payload: bytes, *, retained: bool) -> None:
        if session.listens(topic):
            message = Inbound(topic, payload, retained, next(self._tokens))
            if session.up:
                self._deliver(session, message)
            else:
                session.waiting.append(message)

    def _deliver(self, session: _Session, message: Inbound) -> None:
        session.unacknowledged[message.token] = message
        session.events.put_nowait(message)


class MemoryLink:
    """A `messaging.link.port.Link` on a MemoryBroker."""

    def __init__(
        self,
        broker: MemoryBroker,
        client_id: str,
        subscriptions: tuple[str, ...],
        will: Callable[[], tuple[str, bytes]] | None,
    ) -> None:
        self._broker = broker
        self._client_id = client_id
        self._subscriptions = subscriptions
        self._will = will
        self._session: _Session | None = None
        self._started = asyncio.Event()
        self._broken = asyncio.Event()
        self.hurried = False

    @property
    def is_up(self) -> bool:
        """Whether the broker has this client connected now."""
        return self._session is not None and self._session.up

    async def events(self) -> AsyncIterator[LinkEvent]:
        """What happens on the link, in order; one consumer."""
        await self._started.wait()
        while self._session is not None:
            yield await self._session.events.get()

    async def burst(self, most: int) -> list[LinkEvent]:
        """What happens on the link, in order, `most` at once; one consumer, of these or of `events`."""
        await self._started.wait()
        if self._session is None:
            raise LinkDown("the link was stopped")
        return await burst_of(self._session.events, most)

    async def publish(self, topic: str, payload: bytes, *, retain: bool = False, expiry_s: int | None = None) -> bool:
        """Publish; LinkDown if cut, False if nobody listens. Nothing waits here long enough to expire."""
        del expiry_s
        if not self.is_up:
            raise LinkDown("not connected to the broker")
        await asyncio.sleep(0)
        if self._broker.is_silent(self._client_id):
            self._broken.clear()
            await self._broken.wait()
            raise LinkDown("the line is dead")
        return self._broker.publish(self._client_id, topic, payload, retain=retain)

    def ack(self, message: Inbound) -> None:
        """The message has been dealt with."""
        if self._session is not None:
            self._session.unacknowledged.pop(message.token, None)

    def hurry(self, on: bool) -> None:
        """Noted: a link in process has nothing to wait for."""
        self.hurried = on

    def renew(self) -> None:
        """Down, and up again if the line allows."""
        if self._session is not None and self._session.up:
            self._broken.set()
            self._broker.disconnect(self._client_id, "renewed")
            if not self._broker.is_silent(self._client_id):
                self._broker.connect(self._client_id)

    async def start(self) -> None:
        """Connect."""
        self._session = self._broker.attach(self._client_id, self._subscriptions, self._will() if self._will else None)
        self._started.set()

    async def stop(self, last_words: tuple[str, bytes] | None = None) -> None:
        """Publish the last words and disconnect in order."""
        if self._session is None or not self._session.up:
            return
        if last_words is not None:
            with contextlib.suppress(LinkRefused):
                self._broker.publish(self._client_id, *last_words, retain=True)
        self._session.will = None
        self._broker.disconnect(self._client_id, "stopped")


def matches(topic_filter: str, topic: str) -> bool:
    """Whether an MQTT filter with `+` and `#` takes a topic (MQTT 5.0, 4.7); `$share/<group>/` is looked through."""
    if topic_filter.startswith("$share/"):
        topic_filter = topic_filter.split("/", 2)[2]
    wanted, given = topic_filter.split("/"), topic.split("/")
    for i, word in enumerate(wanted):
        if word == "#":
            return True
        if i >= len(given) or word not in ("+", given[i]):
            return False
    return len(wanted) == len(given)
