"""The region's own certificates, renewed while it runs: no connection that is open notices."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

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


class CertificateWatch:
    """Follows files that others renew, an ACME client as a rule: `reload` puts them in use; OSError when it cannot."""

    def __init__(self, clock: Clock, files: Iterable[Path], reload: Callable[[], None]) -> None:
        self._clock = clock
        self._files = tuple(files)
        self._reload = reload
        self._seen = self._stamps()
        self._complaint = ""

    async def run(self) -> None:
        """For ever."""
        while True:
            await self._clock.sleep(LOOK_EVERY_S)
            self.look()

    def look(self) -> bool:
        """Put the files in use if they have changed; whether that was done. Half a pair waits for the other half."""
        if (stamps := self._stamps()) == self._seen:
            return False
        try:
            self._reload()
        except OSError as error:
            if str(error) != self._complaint:
                _log.error("the pages' new certificate cannot be used, the one before is kept: %s", error)
            self._complaint = str(error)
            return False
        self._seen, self._complaint = stamps, ""
        _log.info("the pages' new certificate is in use")
        return True

    def _stamps(self) -> list[tuple[int, int] | None]:
        return [_stamp(file) for file in self._files]


def _stamp(file: Path) -> tuple[int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino


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
