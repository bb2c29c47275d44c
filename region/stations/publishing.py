"""Desired config on its way to the stations: signed, retained, versioned, published until the broker has taken it."""

from __future__ import annotations

from functools import partial

from messaging.clock import Clock
from messaging.errors import MessageError
from messaging.signed import Signer, Word, carry, claims
from messaging.topics import down
from region.registry import Registry
from region.registry.records import Station
from region.stations.sending import Sender
from region.web.subject import Downlink

_BATCH = 500  # stations whose documents are made, published and marked together


class Publisher(Sender):
    """Publishes what the broker has not taken yet; all of it to a broker that may have lost what it retained."""

    def __init__(self, registry: Registry, downlink: Downlink, signer: Signer, clock: Clock) -> None:
        super().__init__("publisher", "config", registry, downlink, signer, clock)

    async def look(self) -> int:
        """Publish what the broker has not taken yet; how many. None while there is no broker, or another publishes.

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
        if not self._downlink.is_up:
            return False
        if self._broker_is_new:
            return True
        async with self._registry.read() as t:
            return bool(await t.stations.unpublished(1))

    async def _mine(self) -> bool:
        async with self._registry.begin() as t:
            mine = await self._is_ours(t)
            if mine and self._broker_is_new:
                await t.stations.forget_published()
        if mine:
            self._broker_is_new = False
        return mine

    async def _publish(self, waiting: list[Station], documents: dict[str, dict[str, object]]) -> int:
        """Publish them side by side, and mark those that the broker took; the first error once all have ended."""
        words, too_large = self._words(waiting, documents)
        signed = await self._signer.sign([word for _, word in words])
        sendings = [
            partial(self._downlink.send, down(station.id, "desired"), carry(jws), retain=True)
            for (station, _), jws in zip(words, signed, strict=True)
        ]
        outcomes = await self._side_by_side(sendings)
        taken = {
            station.id: station.desired_version
            for (station, _), error in zip(words, outcomes, strict=True) if error is None
        }  # fmt: skip
        if taken:
            async with self._registry.begin() as t:
                await t.stations.published(taken)
        for error in (*outcomes, *too_large):
            if error is not None:
                raise error
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
