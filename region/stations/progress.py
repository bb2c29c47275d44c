"""What stations say of their commands: only of their own, only forward, each step once."""

from __future__ import annotations

import re
from collections.abc import Callable

from messaging.clock import Clock
from messaging.codec import decode
from messaging.command import ENDED, Progress
from messaging.envelope import Envelope
from messaging.errors import MalformedMessage, MessageError
from messaging.topics import Topic
from region.registry import NotFound, Registry, Transaction
from region.registry.records import Command

_WORD = re.compile(r"[a-z0-9_.-]{0,64}")


class UnknownCommand(MessageError):
    """A station tells of a command that it was not given."""

    code = "unknown_command"


class CommandProgress:
    """Takes `up/cmd/<type>/<cid>`. `tell` is told the station of which there is news."""

    def __init__(self, registry: Registry, clock: Clock, tell: Callable[[str], None]) -> None:
        self._registry = registry
        self._clock = clock
        self._tell = tell

    async def handle(self, topic: Topic, envelope: Envelope) -> None:
        """Note how far it has come; what is late or told twice changes nothing."""
        told = decode(Progress, envelope.data)
        if not all(_WORD.fullmatch(word) for word in (told.reason, *told.figures)):
            raise MalformedMessage("a command's reason and figures have names of small letters and digits")
        kind, cid = topic.words
        at, now = self._at(envelope), self._clock.wall()

        async def note(t: Transaction) -> Command | None:
            command = await t.commands.note(cid, topic.station, kind, told, at)
            if command is not None and command.state in ENDED:
                await _end(t, command, now)
            return command

        try:
            command = await self._registry.together.make(note)
        except NotFound as error:
            raise UnknownCommand("a command that station was not given") from error
        if command is not None:
            self._tell(topic.station)

    def _at(self, envelope: Envelope) -> float:
        """When it was said: by the station's clock if that can be trusted (the outbox may bring it late), else now."""
        now = self._clock.wall()
        return min(now, envelope.wall) if envelope.clock == "ntp" else now


async def tell_end(t: Transaction, command: Command, actor: str, now: float) -> None:
    """One row of how a command ended."""
    await t.audit.add(
        actor, "command.ended", "successful" if command.state == "successful" else "failed", now,
        station_id=command.station_id, command=command.type, reason=command.reason, cid=command.id,
    )  # fmt: skip


async def _end(t: Transaction, command: Command, now: float) -> None:
    await tell_end(t, command, command.station_id, now)
    if command.type == "wipe" and command.state == "successful":
        await _retire(t, command.station_id, now)


async def _retire(t: Transaction, station_id: str, now: float) -> None:
    """It has erased its key: whoever has a copy of that is not let in any more."""
    await t.stations.set_admission(station_id, "revoked")
    revoked = await t.certificates.revoke(station_id, now)
    await t.audit.add(
        "region", "station.revoke", "done", now, station_id=station_id, why="retired", certificates=revoked
    )
