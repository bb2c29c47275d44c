"""What publishing config and dispatching commands share: one process at a time, signed, side by side, until it is done.

One process sends at a time (a lease in the database): two could let the broker retain the older of two versions. Each
looks in the registry, so that what is said by the command line travels like what is said on a page.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable

from messaging.clock import Clock
from messaging.errors import MessageError
from messaging.link.port import LinkError
from messaging.signed import Signer
from provisioning.authority.errors import AuthorityError
from region.registry import Registry, Transaction, Unavailable
from region.web.subject import Downlink

_log = logging.getLogger(__name__)
LOOK_EVERY_S = 1.0
LEASE_S = 10.0  # a process that was killed while it sent is waited for so long; one off duty has stopped within 6 s
_AT_ONCE = 50  # publications under way to the broker


class NotTried(LinkError):
    """The broker is slow: this one waits for the next look."""


class Sender(ABC):
    """`lease` is the name of the one process's right to send; `what` is what waits, for the log."""

    def __init__(
        self, lease: str, what: str, registry: Registry, downlink: Downlink, signer: Signer, clock: Clock
    ) -> None:  # fmt: skip
        self._registry = registry
        self._downlink = downlink
        self._signer = signer
        self._clock = clock
        self._broker_is_new = True
        self._lease = lease
        self._what = what
        self._name = secrets.token_hex(8)
        self._complaint = ""

    def broker_came_up(self) -> None:
        """The broker may have lost what it held for stations."""
        self._broker_is_new = True

    async def run(self) -> None:
        """Look again and again, for ever."""
        try:
            while True:
                try:
                    await self.look()
                    self._complain("")
                except (LinkError, AuthorityError, Unavailable, MessageError) as error:
                    self._complain(str(error))
                await self._clock.sleep(LOOK_EVERY_S)
        finally:
            await self._give_back()

    @abstractmethod
    async def look(self) -> int:
        """Send what is due now; how many. None while another process sends."""

    async def _is_ours(self, t: Transaction) -> bool:
        """Whether this process is the one that sends, for as long as a batch may take."""
        return await t.leases.take(self._lease, self._name, self._clock.wall(), LEASE_S)

    async def _side_by_side(self, sendings: Iterable[Callable[[], Awaitable[None]]]) -> list[Exception | None]:
        """Carry them out, some at once, while the lease surely lasts: what became of each; NotTried: nothing."""
        room, begun = asyncio.Semaphore(_AT_ONCE), self._clock.monotonic()

        async def one(send: Callable[[], Awaitable[None]]) -> None:
            async with room:
                if self._clock.monotonic() - begun > LEASE_S / 2:
                    raise NotTried("the broker is slow: the rest waits for the next look")
                await send()

        outcomes = await asyncio.gather(*map(one, sendings), return_exceptions=True)
        for outcome in outcomes:
            if outcome is not None and not isinstance(outcome, Exception):
                raise outcome
        return [outcome if isinstance(outcome, Exception) else None for outcome in outcomes]

    def _complain(self, of_what: str) -> None:
        """Say in the log what is waited for, once for each thing."""
        if of_what and of_what != self._complaint:
            _log.warning("%s waits to be sent: %s", self._what, of_what)
        elif self._complaint and not of_what:
            _log.info("%s is sent again", self._what)
        self._complaint = of_what

    async def _give_back(self) -> None:
        try:
            async with self._registry.begin() as t:
                await t.leases.give_back(self._lease, self._name)
        except Unavailable as error:
            _log.warning("who sends %s is known to the others in %d s: %s", self._what, LEASE_S, error)
