"""The port every sender and listener uses; `mqtt.MqttLink` and `memory.MemoryLink` fulfil it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol


class LinkError(Exception):
    """The link cannot do what was asked."""


class LinkDown(LinkError):
    """Not connected: a message that must not wait was not sent."""


class LinkRefused(LinkError):
    """The broker refuses this client; `code` is MQTT 5's reason code."""

    def __init__(self, text: str, code: int) -> None:
        super().__init__(text)
        self.code = code


@dataclass(frozen=True)
class Inbound:
    """A message from the broker; `ack()` of the link is told when it has been dealt with.

    `retained`: it was sent to stay at the broker, whether it has come at once or was lying there.
    """

    topic: str
    payload: bytes
    retained: bool
    token: int


@dataclass(frozen=True)
class Up:
    """The link has come up (again); subscriptions are in place. `resumed`: the broker kept the session."""

    resumed: bool


@dataclass(frozen=True)
class Down:
    """The link has gone down; the link itself goes on trying. `reason` is for the log."""

    reason: str


LinkEvent = Inbound | Up | Down


class Link(Protocol):
    """A client of the broker that keeps itself connected."""

    @property
    def is_up(self) -> bool:
        """Whether the broker has this client connected now."""

    def events(self) -> AsyncIterator[LinkEvent]:
        """What happens on the link, in order; one consumer."""

    async def burst(self, most: int) -> list[LinkEvent]:
        """The same, for whoever takes many together: waits for one, and gives with it what has come besides."""

    async def publish(self, topic: str, payload: bytes, *, retain: bool = False, expiry_s: int | None = None) -> bool:
        """Publish at QoS 1 and return when the broker has taken it; LinkDown at once if there is no connection.

        False if nobody listens, not even somebody who is away and for whom it waits: the broker has let it go.
        """

    def ack(self, message: Inbound) -> None:
        """The message has been dealt with; the broker need not send it again."""

    def hurry(self, on: bool) -> None:
        """Somebody waits for this very client (a lost call): connect again within a second or so, for as long as `on`.

        Only for the few: all others come back slowly and apart, so that a broker that restarts is not overrun.
        """

    def renew(self) -> None:
        """The connection does not answer: take it down at once, and connect again."""

    async def start(self) -> None:
        """Begin to connect, and go on for ever."""

    async def stop(self, last_words: tuple[str, bytes] | None = None) -> None:
        """Publish the last words (topic, payload; retained) in place of the Will, and disconnect in order."""
