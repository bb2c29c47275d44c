"""Commands on their way to the stations: signed, not retained, and good no longer than they are.

One process sends at a time (a lease in the database). A command is marked as sent before it is, so that nobody calls
back what may be on its way, and is sent again only when the broker or the station may have lost it: stations know a
command by its id, and carry it out once.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Sequence

from messaging.clock import Clock
from messaging.link.port import LinkError
from messaging.signed import Signer, Word, carry
from messaging.topics import down
from provisioning.authority.errors import AuthorityError
from region.registry import Registry, Unavailable
from region.registry.records import Command
from region.stations.progress import tell_end
from region.web.subject import Downlink

_log = logging.getLogger(__name__)
LOOK_EVERY_S = 1.0
LEASE_S = 30.0
_LEASE = "dispatcher"
_BATCH = 200  # commands that are signed, sent and marked together
_AT_ONCE = 50  # publications under way to the broker


class _NotTried(LinkError):
    """The broker is slow: this one waits for the next look."""


class Dispatcher:
    """Looks in the registry, so that a command by the command line travels like one given on a page.

    `tell` is told the stations of which there is news.
    """

    def __init__(
        self, registry: Registry, downlink: Downlink, signer: Signer, clock: Clock, tell: Callable[[str], None]
    ) -> None:
        self._registry = registry
        self._downlink = downlink
        self._signer = signer
        self._clock = clock
        self._tell = tell
        self._broker_is_new = True
        self._name = secrets.token_hex(8)

    def broker_came_up(self) -> None:
        """The broker may have lost what it held for stations: send again what has had no answer."""
        self._broker_is_new = True

    async def run(self) -> None:
        """Send what is due, and end what is overdue, for ever."""
        try:
            while True:
                try:
                    await self.look()
                except (LinkError, AuthorityError, Unavailable) as error:
                    _log.warning("commands wait: %s", error)
                await self._clock.sleep(LOOK_EVERY_S)
        finally:
            await self._give_back()

    async def look(self) -> int:
        """Send what is due now; how many. LinkError, AuthorityError or Unavailable when it must wait.

        None while another process sends.
        """
        sent = 0
        while await self._waits():
            ended, claimed = await self._take()
            for one in ended:
                self._tell(one.station_id)
            if not ended and not claimed:
                break
            sent += await self._send(claimed)
        return sent

    async def _waits(self) -> bool:
        """Whether there is anything to do: a look each second must cost no write."""
        if self._broker_is_new and self._downlink.is_up:
            return True
        async with self._registry.read() as t:
            return await t.commands.waits(self._clock.wall(), to_send=self._downlink.is_up)

    async def _take(self) -> tuple[list[Command], list[Command]]:
        """What was overdue and has been ended, and what this process is to send; neither while another one does."""
        now = self._clock.wall()
        async with self._registry.begin() as t:
            if not await t.leases.take(_LEASE, self._name, now, LEASE_S):
                return [], []
            ended = await t.commands.end_overdue(now, _BATCH)
            for one in ended:
                await tell_end(t, one, "region", now)
            if not self._downlink.is_up:
                return ended, []
            if self._broker_is_new:
                await t.commands.send_again()
                self._broker_is_new = False
            return ended, await t.commands.claim(await t.commands.due(now, _BATCH), now)

    async def _send(self, claimed: Sequence[Command]) -> int:
        if not claimed:
            return 0
        now = self._clock.wall()
        try:
            signed = await self._signer.sign([_word(one, now) for one in claimed])
        except AuthorityError:
            await self._give_up(claimed, tried=False)
            raise
        room, begun = asyncio.Semaphore(_AT_ONCE), self._clock.monotonic()

        async def one(command: Command, jws: bytes) -> None:
            async with room:
                if self._clock.monotonic() - begun > LEASE_S / 2:
                    raise _NotTried("the broker is slow: the rest waits for the next look")
                topic = down(command.station_id, "cmd", command.type, command.id)
                left = max(1, int(command.expires_at - self._clock.wall()))
                await self._downlink.send(topic, carry(jws), expiry_s=left)
            self._tell(command.station_id)

        outcomes = await asyncio.gather(*map(one, claimed, signed), return_exceptions=True)
        failed = [(command, error) for command, error in zip(claimed, outcomes, strict=True) if error is not None]
        await self._give_up([one for one, error in failed if isinstance(error, _NotTried)], tried=False)
        await self._give_up([one for one, error in failed if not isinstance(error, _NotTried)], tried=True)
        for _, error in failed:
            raise error
        return len(claimed)

    async def _give_up(self, commands: Sequence[Command], *, tried: bool) -> None:
        if commands:
            async with self._registry.begin() as t:
                await t.commands.gives_up(commands, tried=tried)

    async def _give_back(self) -> None:
        try:
            async with self._registry.begin() as t:
                await t.leases.give_back(_LEASE, self._name)
        except Unavailable as error:
            _log.warning("who sends commands is known to the others in %d s: %s", LEASE_S, error)


def _word(command: Command, now: float) -> Word:
    return Word(
        "command", command.station_id, now, command.fields, command.expires_at, cid=command.id, type=command.type
    )
