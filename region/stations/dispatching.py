"""Commands on their way to the stations: signed, not retained, and good no longer than they are.

A command is marked as sent before it is, so that nobody calls back what may be on its way, and is sent again only when
the broker or the station may have lost it: stations know a command by its id, and carry it out once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from messaging.clock import Clock
from messaging.signed import Signer, Word, carry
from messaging.topics import down
from provisioning.authority.errors import AuthorityError
from region.registry import Registry
from region.registry.records import Command
from region.stations.progress import tell_end
from region.stations.sending import NotTried, Sender
from region.web.subject import Downlink

_BATCH = 200  # commands that are signed, sent and marked together


class Dispatcher(Sender):
    """Sends what is due. `tell` is told the stations of which there is news."""

    def __init__(
        self, registry: Registry, downlink: Downlink, signer: Signer, clock: Clock, tell: Callable[[str], None]
    ) -> None:
        super().__init__("dispatcher", "a command", registry, downlink, signer, clock)
        self._tell = tell

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
            if not await self._is_ours(t):
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
        outcomes = await self._side_by_side(partial(self._send_one, *one) for one in zip(claimed, signed, strict=True))
        failed = [(command, error) for command, error in zip(claimed, outcomes, strict=True) if error is not None]
        await self._give_up([one for one, error in failed if isinstance(error, NotTried)], tried=False)
        await self._give_up([one for one, error in failed if not isinstance(error, NotTried)], tried=True)
        for _, error in failed:
            raise error
        return len(claimed)

    async def _send_one(self, command: Command, jws: bytes) -> None:
        topic = down(command.station_id, "cmd", command.type, command.id)
        left = max(1, int(command.expires_at - self._clock.wall()))
        await self._downlink.send(topic, carry(jws), expiry_s=left)
        self._tell(command.station_id)

    async def _give_up(self, commands: Sequence[Command], *, tried: bool) -> None:
        if commands:
            async with self._registry.begin() as t:
                await t.commands.gives_up(commands, tried=tried)


def _word(command: Command, now: float) -> Word:
    return Word(
        "command", command.station_id, now, command.fields, command.expires_at, cid=command.id, type=command.type
    )
