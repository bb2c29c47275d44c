"""A link that keeps itself connected: one connection after the other, with pauses."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random as random_module
from collections.abc import AsyncIterator, Callable

from messaging.clock import Clock
from messaging.link.backoff import FullJitter
from messaging.link.inbox import Inbox, Overfull
from messaging.link.mqtt.connection import Connection
from messaging.link.mqtt.settings import CONNECT_S, MqttSettings
from messaging.link.port import Down, Inbound, LinkDown, LinkEvent, LinkRefused, Up

_log = logging.getLogger(__name__)
_HURRIED_CONNECT_S = 2.0
PAUSE_S = (0.5, 30.0)  # before a try to connect: base and cap of the full jitter
_HURRIED_PAUSE_S = (0.25, 1.0)


class MqttLink:
    """A `Link` that keeps itself connected. `will` is asked for (topic, payload) before each connection."""

    def __init__(
        self,
        settings: MqttSettings,
        subscriptions: tuple[str, ...],
        will: Callable[[], tuple[str, bytes]] | None,
        clock: Clock,
        random: random_module.Random | None = None,
        inbox: Inbox | None = None,
    ) -> None:
        self._settings = settings
        self._subscriptions = subscriptions
        self._will = will
        self._clock = clock
        self._backoff = FullJitter(*PAUSE_S, random)
        self._hurried_backoff = FullJitter(*_HURRIED_PAUSE_S, random)
        self._hurried = False
        self._hurry_up = asyncio.Event()
        self._inbox = inbox or Inbox()
        self._connection: Connection | None = None
        self._task: asyncio.Task[None] | None = None
        self._closing: asyncio.Task[None] | None = None
        self._serial = 0

    @property
    def is_up(self) -> bool:
        """Whether the broker has this client connected and subscribed now."""
        return self._connection is not None and self._connection.is_up

    async def events(self) -> AsyncIterator[LinkEvent]:
        """What happens on the link, in order; one consumer."""
        while True:
            for event in await self._inbox.take():
                yield event

    async def burst(self, most: int) -> list[LinkEvent]:
        """What happens on the link, in order, `most` at once; one consumer, of these or of `events`."""
        return await self._inbox.take(most)

    async def start(self) -> None:
        """Begin to connect, and go on for ever."""
        self._task = asyncio.create_task(self._keep_connected(), name=f"mqtt {self._settings.client_id}")

    async def stop(self, last_words: tuple[str, bytes] | None = None) -> None:
        """Publish the last words (retained) in place of the Will, and disconnect in order."""
        if self.is_up and last_words is not None:
            with contextlib.suppress(LinkDown, LinkRefused, TimeoutError):
                await asyncio.wait_for(self.publish(*last_words, retain=True), 2)
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        if self._closing is not None:
            await self._closing
        self._inbox.clear()

    async def publish(self, topic: str, payload: bytes, *, retain: bool = False, expiry_s: int | None = None) -> bool:
        """Publish at QoS 1 and return when the broker has taken it; LinkDown if there is no connection or it breaks.

        False if nobody listens.
        """
        connection = self._connection
        if connection is None or not connection.is_up:
            raise LinkDown("not connected to the broker")
        return await connection.publish(topic, payload, retain, expiry_s)

    def ack(self, message: Inbound) -> None:
        """The message has been dealt with. One from an earlier connection comes again instead."""
        connection = self._connection
        if connection is not None and message.token >> 32 == connection.serial and message.token & 0xFFFF:
            connection.client.ack(message.token & 0xFFFF, 1)

    def hurry(self, on: bool) -> None:
        """Connect with short waits for as long as `on`; a long one that has begun is cut short."""
        if on and not self._hurried:
            self._hurried_backoff.reset()
            self._hurry_up.set()
        self._hurried = on

    def renew(self) -> None:
        """Take the connection down at once, and connect again."""
        if self.is_up and self._connection is not None:
            self._connection.end("no answer")

    async def _keep_connected(self) -> None:
        while True:
            self._serial += 1
            connect_s = _HURRIED_CONNECT_S if self._hurried else CONNECT_S
            connection = self._connection = Connection(self._serial, self._settings, self._put, connect_s)
            self._hurry_up.clear()
            try:
                reason = await connection.run(self._subscriptions, self._will() if self._will else None, self._came_up)
            finally:
                # Also when cancelled: paho's thread must not outlive the link.
                self._closing = asyncio.create_task(connection.close())
                await asyncio.shield(self._closing)
                self._connection = None
            self._put(Down(reason))
            await self._pause(reason)

    async def _pause(self, reason: str) -> None:
        delay = (self._hurried_backoff if self._hurried else self._backoff).next()
        _log.info("link to %s:%d is down (%s); trying again in %.1f s", *self._address, reason, delay)
        waits = (asyncio.ensure_future(self._clock.sleep(delay)), asyncio.ensure_future(self._hurry_up.wait()))
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)

    @property
    def _address(self) -> tuple[str, int]:
        return self._settings.host, self._settings.port

    def _came_up(self, resumed: bool) -> None:
        self._backoff.reset()
        self._hurried_backoff.reset()
        _log.info("link to %s:%d is up", *self._address)
        self._put(Up(resumed))

    def _put(self, event: LinkEvent) -> None:
        assured = not isinstance(event, Inbound) or bool(event.token & 0xFFFF)
        try:
            self._inbox.put(event, assured=assured)
        except Overfull as error:
            if self._connection is not None:
                _log.warning("too much has come at once (%s); connecting again, so that the rest comes again", error)
                self._connection.end("more than can be held")
