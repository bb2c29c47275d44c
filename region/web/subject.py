"""What a subject of the region hands to the app; the contract is told in `region/web/__init__.py`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from fastapi import APIRouter

from messaging.envelope import Envelope, Place
from messaging.status import Connection
from messaging.topics import Topic
from messaging.twin import Language
from region.registry.records import ProcessPresence, Role

Words = Mapping[Language, Mapping[str, str]]


class UpHandler(Protocol):
    """Takes messages of one branch of the stations' topics."""

    async def handle(self, topic: Topic, envelope: Envelope) -> None:
        """Deal with one message: committed when this returns. MessageError: not a message we take."""


class Downlink(Protocol):
    """The way to the stations."""

    @property
    def is_up(self) -> bool:
        """Whether the broker has the region connected."""

    async def send(
        self, topic: str, message: object, *, retain: bool = False, expiry_s: int | None = None,
        place: Place | None = None,
    ) -> None:  # fmt: skip
        """Seal and publish a message (dataclass or plain data); LinkDown when there is no broker.

        `place` is where it stands in a conversation that several processes speak in.
        """


@dataclass(frozen=True)
class PresenceChange:
    """A process of a station came, went or restarted. `before` is what was known of it."""

    station: str
    now: Connection
    before: ProcessPresence | None

    @property
    def runs_twice(self) -> bool:
        """The run before the present one has connected again since: one key is in use by two stations.

        A run that another has replaced is over; its connections have growing numbers, so that one which is only
        delivered again is told apart.
        """
        before, bd = self.before, self.before.previous_bd if self.before is not None else None
        return (
            before is not None and bd is not None and self.now.state == "online"
            and before.previous_boot == self.now.boot != before.boot and self.now.bd > bd
        )  # fmt: skip

    @property
    def restarted(self) -> bool:
        """Another run of the process than the one known."""
        return self.before is not None and self.before.boot != self.now.boot


@dataclass(frozen=True)
class Nav:
    """An entry in the page's head, for those of a role; the pages below `path` and `others` belong to it."""

    path: str
    word: str
    role: Role
    others: tuple[str, ...] = ()

    def holds(self, path: str) -> bool:
        """Whether the page at that address belongs to it."""
        return any(path == one or path.startswith(f"{one}/") for one in (self.path, *self.others))


@dataclass(frozen=True)
class Subject:
    """One subject: its pages, words, and what it takes from stations."""

    name: str
    folder: Path
    router: APIRouter
    words: Words
    nav: tuple[Nav, ...] = ()
    up: Mapping[str, UpHandler] = field(default_factory=dict)
    presence: Callable[[PresenceChange], Awaitable[None]] | None = None
    shut_out: Callable[[str], Awaitable[None]] | None = None  # a station nobody lets in any more: let go of it
    run: Callable[[], Coroutine[Any, Any, None]] | None = None  # where its pages are served
    duty: Callable[[], Coroutine[Any, Any, None]] | None = None  # at one process at a time
    examples: tuple[object, ...] = ()  # for the API's document: one instance of each type that a body of its holds
