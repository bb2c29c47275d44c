"""The region's own certificates, renewed while it runs: no connection that is open notices."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable

from messaging.clock import Clock
from provisioning.authority.ca import SERVICE_DAYS
from provisioning.authority.errors import AuthorityError

_log = logging.getLogger(__name__)
DAY_S = 86_400.0
RENEW_AFTER_S = SERVICE_DAYS / 2 * DAY_S  # half of its life is left for whatever may go wrong
LOOK_EVERY_S = 10.0


class Renewal:
    """Looks each day. `renewals` issue certificates and put them in place; when one fails, all come again next day."""

    def __init__(self, clock: Clock, renewals: Iterable[Callable[[], Awaitable[None]]]) -> None:
        self._clock = clock
        self._renewals = tuple(renewals)
        self._renewed_at = clock.wall()

    async def run(self) -> None:
        """For ever."""
        while True:
            await self._clock.sleep(DAY_S)
            await self.look()

    async def look(self) -> bool:
        """Renew if it is time; whether all is renewed."""
        if self._clock.wall() - self._renewed_at < RENEW_AFTER_S:
            return False
        try:
            for renew in self._renewals:
                await renew()
        except (OSError, AuthorityError) as error:
            _log.error("the region's certificates could not be renewed, tried again tomorrow: %s", error)
            return False
        self._renewed_at = self._clock.wall()
        _log.info("the region's certificates are renewed")
        return True


class RotationWatch:
    """Sees that the authority has other certificates (`region ca rotate`, `new-root`): all made of them is made anew.

    `trust` gives them, PEM; `known` is what everything in place was made of.
    """

    def __init__(
        self, clock: Clock, trust: Callable[[], Awaitable[bytes]], known: bytes,
        renewals: Iterable[Callable[[], Awaitable[None]]],
    ) -> None:  # fmt: skip
        self._clock = clock
        self._trust = trust
        self._known = known
        self._renewals = tuple(renewals)
        self._complaint = ""

    async def run(self) -> None:
        """For ever."""
        while True:
            await self._clock.sleep(LOOK_EVERY_S)
            await self.look()

    async def look(self) -> bool:
        """Put new ones in place if there are; whether that was done. What fails comes again at the next look."""
        try:
            trust = await self._trust()
            if trust == self._known:
                return False
            for renew in self._renewals:
                await renew()
        except (OSError, AuthorityError) as error:
            if str(error) != self._complaint:
                _log.error("whether the authority's certificates have changed is not known, or not followed: %s", error)
            self._complaint = str(error)
            return False
        self._known, self._complaint = trust, ""
        _log.warning("the authority's certificates have changed: the region's own are new, and in place")
        return True
