"""What the page of a station shows of its commands."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from messaging.command import CommandType
from region.daytime import TONIGHT, BadTime, read_moment
from region.registry import Conflict, Invalid, Transaction
from region.registry.records import Command
from region.stations.commanding import Asked, from_texts
from region.web.actors import ActorTeller
from region.web.auth import ItAdmin
from region.web.context import region_of
from region.web.forms import Refusals
from region.web.words import Translator

# What can be sent from the page: nothing that takes a station from its residents. In the order they are offered.
ON_THE_PAGE: tuple[CommandType, ...] = (
    "identify", "self_test", "diagnostics", "renew", "restart", "message", "volume"
)  # fmt: skip
WITH_FIELDS: tuple[CommandType, ...] = ("restart", "message", "volume")
GoodFor = Literal["hour", "day", "week"]
GOOD_FOR_S: Mapping[GoodFor, float] = {"hour": 3600.0, "day": 86_400.0, "week": 7 * 86_400.0}
Text = Annotated[str, Field(max_length=120)]
_MOST = 20
How = Literal["held", "waits", "sent", "received", "scheduled", "executing", "successful", "failed"]
_LEVELS: dict[How, str] = {"executing": "warn", "successful": "good", "failed": "bad"}


COMMAND_REFUSALS: Refusals = {
    Conflict: ("stations.command.error.conflict", 409), Invalid: ("stations.command.error.invalid", 422),
    BadTime: ("stations.command.error.time", 422),
}  # fmt: skip


class TimedForm(BaseModel):
    """When something is to be done, by when it must have begun, and what for; a field that is not in it is empty."""

    why: Text = ""
    when: Literal["now", "tonight", "at"] = "now"
    at: Text = ""
    good_for: GoodFor = "hour"

    def timed(self, kind: CommandType, fields: Mapping[str, object], now: float) -> Asked:
        """The command, at its time; BadTime for a time that cannot be."""
        return Asked(kind, fields, self.why, self._at(now), GOOD_FOR_S[self.good_for])

    def _at(self, now: float) -> float | None:
        if self.at and self.when != "at":
            raise BadTime("a time is given, and that it is to be done at another")  # better asked than done too early
        if self.when == "now":
            return None
        return read_moment(self.at if self.when == "at" else TONIGHT, now)


class CommandForm(TimedForm):
    """What a form of a command says; a field that is not in it is empty."""

    type: Text
    process: Text = ""
    text: Text = ""
    percent: Text = ""
    seconds: Text = ""

    def asked(self, kinds: Collection[CommandType], now: float) -> Asked:
        """What is asked for; Invalid for what no form of the page can, BadTime for a time that cannot be."""
        kind = next((one for one in kinds if one == self.type), None)
        if kind is None:
            raise Invalid(f"{self.type}: not from this page")
        said = {"process": self.process, "text": self.text, "percent": self.percent, "seconds": self.seconds}
        return self.timed(kind, from_texts(kind, {name: value for name, value in said.items() if value}), now)


@dataclass(frozen=True)
class CommandLine:
    """A command in words. Times in Unix seconds; `since` is when it came so far."""

    id: str
    what: str
    how: str
    level: str
    reason: str
    by: str
    why: str
    given_at: float
    begins: float | None  # not before that; None: its time has come
    until: float
    since: float
    can_cancel: bool
    handed_in: bool  # what it brought is kept, and can be saved


def how(command: Command, now: float) -> How:
    """How far it has come, as somebody asks who waits for it."""
    if command.state in ("executing", "successful", "failed"):
        return command.state
    if command.by_station:
        return "received" if command.state == "init" else "scheduled"
    if command.not_before > now:
        return "held"
    return "waits" if command.sent_at is None else "sent"


def line(
    command: Command, now: float, t: Translator, has: Callable[[str], bool], actors: ActorTeller, *,
    handed_in: bool = False,
) -> CommandLine:  # fmt: skip
    """The command in the reader's words; a reason that has none is told as it is."""
    far, reason = how(command, now), f"stations.command.reason.{command.reason}"
    since = command.ended_at or command.executing_at or command.scheduled_at or command.sent_at or command.created_at
    return CommandLine(
        id=command.id, what=t(f"stations.command.type.{command.type}"), how=t(f"stations.command.is.{far}"),
        level=_LEVELS.get(far, "plain"), reason=t(reason) if has(reason) else command.reason,
        by=actors.who(command.actor), why=command.why, given_at=command.created_at,
        begins=command.not_before if far == "held" else None, until=command.expires_at, since=since,
        can_cancel=command.sent_at is None and far in ("held", "waits"), handed_in=handed_in,
    )  # fmt: skip


async def lines_of(
    t: Transaction, station_id: str, now: float, words: Translator, has: Callable[[str], bool]
) -> list[CommandLine]:
    """The station's last commands in the reader's words, the latest first."""
    kept = {one.cid for one in await t.diagnostics.all(station_id)}
    found = await t.commands.recent(_MOST, station_id=station_id)
    actors = ActorTeller(words, has, await t.api_tokens.names())
    return [line(one, now, words, has, actors, handed_in=one.id in kept) for one in found]


def build_router() -> APIRouter:
    """The part of the page that is fetched again whenever the station has news."""
    router = APIRouter(include_in_schema=False)

    @router.get("/stations/{station_id}/commands")
    async def commands(request: Request, session: ItAdmin, station_id: str) -> Response:
        region, now = region_of(request), region_of(request).clock.wall()
        words = region.pages.translator(request, session)
        async with region.registry.read() as t:
            station = await t.stations.get(station_id)
            lines = await lines_of(t, station_id, now, words, region.pages.has_words)
        return region.pages.page(request, "stations/commands.html", session, station=station, commands=lines)

    return router
