"""The agent's conversation with the region under one identity: birth, desired config, and the outbox's delivery."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from device.agent.courier import Courier
from device.agent.errors import OutboxUnusable
from device.agent.presence import Presence
from device.agent.twin import Twin
from messaging import topics
from messaging.clock import Clock
from messaging.envelope import Envelope, open_envelope
from messaging.errors import MalformedMessage, MessageError
from messaging.link.port import Down, Inbound, Link, LinkError, Up
from messaging.signed import Kind, Word
from messaging.status import Birth

_log = logging.getLogger(__name__)
_RETRY_S = 60.0  # a broker that refuses the birth, a disk that refuses the outbox
_UNHEARD_S = 5.0  # until the region, too, is back at a broker
_REBIRTH_AT_MOST_EVERY_S = 2.0  # requests that waited at the broker come all at once


@dataclass(frozen=True)
class Hooks:
    """What the uplink asks of the rest of the agent."""

    birth: Callable[[], Birth]
    on_change: Callable[[], None]  # the link or the config has changed: show it
    on_born: Callable[[], Awaitable[None]]  # the broker has taken the birth
    on_config_refused: Callable[[], Awaitable[None]]
    command: Callable[[Inbound, topics.Topic], Awaitable[None]]
    believe: Callable[[Kind, dict[str, Any]], Word]  # MessageError: not to be believed
    clock: Clock


class Uplink:
    """Owns one link while it runs."""

    def __init__(self, link: Link, presence: Presence, courier: Courier, twin: Twin, hooks: Hooks) -> None:
        self._link = link
        self._presence = presence
        self._courier = courier
        self._twin = twin
        self._hooks = hooks
        self._delivering: asyncio.Task[None] | None = None
        self._born_at = float("-inf")

    @property
    def is_up(self) -> bool:
        """Whether the broker has us now."""
        return self._link.is_up

    def renew(self) -> None:
        """Connect anew, with the certificate that is in force now; what is to be sent waits in the outbox."""
        self._link.renew()

    async def report_config(self) -> None:
        """Tell the region now what is in force; while there is no link, the next birth does."""
        if self.is_up:
            try:
                await self._report_config()
            except LinkError as error:
                _log.info("what is in force is told at the next birth: %s", error)

    async def run(self) -> None:
        """Serve until cancelled; then say farewell in order."""
        await self._link.start()
        try:
            async for event in self._link.events():
                if isinstance(event, Inbound):
                    await self._receive(event)
                else:
                    await self._turn(event)
        finally:
            await self._stop_delivering()
            await self._link.stop(self._presence.last_words())

    async def _turn(self, event: Up | Down) -> None:
        await self._stop_delivering()
        if isinstance(event, Up):
            announced = await self._announced()
            self._delivering = asyncio.create_task(self._deliver(announced), name="outbox")
        self._hooks.on_change()

    async def _announced(self) -> bool:
        try:
            await self._announce()
        except LinkError as error:
            _log.warning("the birth did not reach the broker: %s", error)
            return False
        return True

    async def _announce(self) -> None:
        """Who we are, what we are, what we work by."""
        station, seal = self._presence.station, self._presence.sealer.seal
        topic, payload = self._presence.online()
        await self._link.publish(topic, payload, retain=True)
        await self._link.publish(topics.up(station, "birth"), seal(self._hooks.birth()))
        await self._report_config()
        self._born_at = self._hooks.clock.monotonic()
        await self._hooks.on_born()

    async def _report_config(self) -> None:
        payload = self._presence.sealer.seal(self._twin.reported)
        await self._link.publish(topics.up(self._presence.station, "reported"), payload)

    async def _receive(self, message: Inbound) -> None:
        try:
            await self._act(message)
        except MessageError as error:
            self._twin.refused_messages += 1
            _log.warning("a message from the region was refused (%s): %s", error.code, error)
        except LinkError as error:
            _log.warning("an answer did not reach the broker: %s", error)  # the next birth says it again
        finally:
            self._link.ack(message)

    async def _act(self, message: Inbound) -> None:
        topic = topics.parse(message.topic)
        if topic.station != self._presence.station or topic.direction != "dn":
            raise MalformedMessage("for another station")
        if topic.branch == "desired":
            if message.payload:  # an empty one says only that the retained config was taken away
                await self._consider(open_envelope(message.payload))
        elif topic.branch == "cmd":
            await self._hooks.command(message, topic)
        elif topic.branch == "rebirth":
            if self._hooks.clock.monotonic() - self._born_at >= _REBIRTH_AT_MOST_EVERY_S:
                await self._announce()
        elif topic.branch == "conn":
            said_on, said = self._presence.online()
            await self._link.publish(said_on, said, retain=True)
        else:
            raise MalformedMessage(f"{topic.branch} is not for the agent of this version")

    async def _consider(self, envelope: Envelope) -> None:
        before, told, refused = self._twin.verdict, self._twin.reported, self._twin.refused_messages
        try:
            word = self._hooks.believe("desired", envelope.data)
        except MessageError as error:
            self._twin.refuse(str(error))
        else:
            self._twin.desire({**word.body, "version": word.version})
        verdict = self._twin.verdict
        if verdict.in_force != before.in_force:
            self._hooks.on_change()
        if verdict.refused and verdict != before:
            _log.warning("config refused: %s", ", ".join(f"{name}: {why}" for name, why in verdict.refused.items()))
            await self._hooks.on_config_refused()
        heeded = self._twin.refused_messages == refused  # a stranger who repeats himself is told of once
        if heeded or self._twin.reported != told:
            await self._report_config()

    async def _deliver(self, announced: bool) -> None:
        while True:
            pause = _RETRY_S
            try:
                announced = announced or await self._announced()
                if announced:
                    await self._courier.deliver(self._link)
                    _log.info("the outbox waits: nobody listens at the broker")
                    pause = _UNHEARD_S
            except LinkError as error:
                _log.info("the outbox waits: %s", error)  # Down follows, and Up begins anew
                return
            except OutboxUnusable as error:
                _log.error("%s", error)
            await self._hooks.clock.sleep(pause)

    async def _stop_delivering(self) -> None:
        if self._delivering is not None:
            ending, self._delivering = self._delivering, None
            ending.cancel()
            await asyncio.wait([ending])
            if not ending.cancelled():
                ending.result()  # what it did not expect is ours to fail with
