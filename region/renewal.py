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
