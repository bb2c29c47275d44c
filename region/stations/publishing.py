"""Desired config on its way to the stations: signed, retained, versioned, published until the broker has taken it.

One process publishes at a time (a lease in the database): two could let the broker retain the older of two versions.
"""

from __future__ import annotations

import asyncio
import logging
import secrets

from messaging.clock import Clock
from messaging.errors import MessageError
from messaging.link.port import LinkError
from messaging.signed import Signer, Word, carry, claims
from messaging.topics import down
from provisioning.authority.errors import AuthorityError
from region.registry import Registry, Unavailable
from region.registry.records import Station
from region.web.subject import Downlink

_log = logging.getLogger(__name__)
LOOK_EVERY_S = 1.0
LEASE_S = 30.0
_BATCH = 500  # stations whose documents are made, published and marked together
_AT_ONCE = 50  # publications under way to the broker


class Publisher:
    """Looks in the registry, so that a change by the command line travels like one made on a page."""

    def __init__(self, registry: Registry, downlink: Downlink, signer: Signer, clock: Clock) -> None:
        self._registry = registry
        self._downlink = downlink
        self._signer = signer
        self._clock = clock
        self._complaint = ""
        self._broker_is_new = True
        self._name = secrets.token_hex(8)

    def broker_came_up(self) -> None:
        """The broker may have lost what it retained: publish everything again."""
        self._broker_is_new = True

    async def run(self) -> None:
        """Publish what has not been, for ever."""
        try:
            while True:
                if self._downlink.is_up:
                    try:
                        await self.publish_all()
                        self._complain("")
                    except (LinkError, Unavailable, AuthorityError, MessageError) as error:
                        self._complain(str(error))
                await self._clock.sleep(LOOK_EVERY_S)
        finally:
            await self._give_back()

    async def publish_all(self) -> int:
        """Publish what the broker has not taken yet; how many. None while another process publishes.

        LinkError, Unavailable or AuthorityError when it must wait; MessageError when one config is too large to travel,
        and the others have been published.
        """
        published = 0
        while await self._waits() and await self._mine():
            async with self._registry.read() as t:
                waiting = await t.stations.unpublished(_BATCH)
                documents = await t.layers.desired(waiting)
            if not waiting:
                break
            published += await self._publish(waiting, documents)
        return published

    async def _waits(self) -> bool:
        """Whether there is anything to do: a look each second must cost no write."""
        if self._broker_is_new:
            return True
        async with self._registry.read() as t:
            return bool(await t.stations.unpublished(1))

    async def _mine(self) -> bool:
        """Whether this process is the one that publishes, for as long as a batch may take."""
        async with self._registry.begin() as t:
            mine = await t.leases.take("publisher", self._name, self._clock.wall(), LEASE_S)
            if mine and self._broker_is_new:
                await t.stations.forget_published()
        if mine:
            self._broker_is_new = False
        return mine

    async def _publish(self, waiting: list[Station], documents: dict[str, dict[str, object]]) -> int:
        """Publish them side by side, and mark those that the broker took; the first error once all have ended."""
        room = asyncio.Semaphore(_AT_ONCE)
        begun = self._clock.monotonic()
        words, too_large = self._words(waiting, documents)
        signed = await self._signer.sign([word for _, word in words])

        async def one(station: Station, jws: bytes) -> Station:
            async with room:
                if self._clock.monotonic() - begun > LEASE_S / 2:
                    raise LinkError("signing or the broker is slow: the rest waits for the next look")
                await self._downlink.send(down(station.id, "desired"), carry(jws), retain=True)
            return station

        sending = (one(station, jws) for (station, _), jws in zip(words, signed, strict=True))
        outcomes: list[Station | BaseException] = [*await asyncio.gather(*sending, return_exceptions=True), *too_large]
        taken = {one.id: one.desired_version for one in outcomes if isinstance(one, Station)}
        if taken:
            async with self._registry.begin() as t:
                await t.stations.published(taken)
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome
        return len(taken)

    def _words(
        self, waiting: list[Station], documents: dict[str, dict[str, object]]
    ) -> tuple[list[tuple[Station, Word]], list[MessageError]]:
        """What is to be signed, and an error for each config that no station would take."""
        words, too_large = [], []
        for station in waiting:
            body = {"config": documents[station.id]}
            word = Word("desired", station.id, self._clock.wall(), body, version=station.desired_version)
            try:
                claims(word)
            except MessageError as error:
                too_large.append(type(error)(f"the config of {station.id} cannot be sent: {error}"))
            else:
                words.append((station, word))
        return words, too_large

    def _complain(self, of_what: str) -> None:
        """Say in the log what config waits for, once for each thing."""
        if of_what and of_what != self._complaint:
            _log.warning("config waits to be published: %s", of_what)
        elif self._complaint and not of_what:
            _log.info("config is published again")
        self._complaint = of_what

    async def _give_back(self) -> None:
        try:
            async with self._registry.begin() as t:
                await t.leases.give_back("publisher", self._name)
        except Unavailable as error:
            _log.warning("who publishes is known to the others in %d s: %s", LEASE_S, error)
