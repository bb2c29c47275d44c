"""A signed word and where it came in: taken, known already, or refused. Decided here, without I/O.

What was not signed for this very place is refused with a MessageError: counted, and answered with nothing. What was
signed and cannot be done is answered: `failed`, and why in one stable word.
"""

from __future__ import annotations

from dataclasses import dataclass

from device.agent.commands.errors import OtherOrder
from messaging.command import Order, Progress, Reason, Wipe, failed, read_order
from messaging.errors import MalformedMessage, StaleMessage
from messaging.signed import Word
from messaging.topics import Topic

MOST_OPEN = 16  # orders that wait; nobody in their senses has given one station more


@dataclass(frozen=True)
class Standing:
    """What the judgement goes by. Times are Unix seconds; `floor`: what was issued up to then has been forgotten."""

    known: bool
    floor: float
    open: int
    now: float
    trusted: bool


def judge(topic: Topic, word: Word, standing: Standing) -> Progress | None:
    """The first state of an order that is to be journalled, or None: it is there already, and is told once more.

    A clock that is not trusted calls nothing expired: such an order is taken, and waits.
    """
    if topic.words != (word.type, word.cid) or word.type is None or word.expires is None:
        raise OtherOrder("sent as another command than the one that was signed")
    if standing.known:
        return None
    if word.issued <= standing.floor:
        raise StaleMessage("issued before what this station still remembers: done already, or too late")
    return failed(why) if (why := _hindrance(word, word.expires, standing)) else Progress("init")


def order_of(kind: str, body: object) -> Order | None:
    """The order, or None where it does not say what it must."""
    try:
        return read_order(kind, body)
    except MalformedMessage:
        return None


def _hindrance(word: Word, expires: float, standing: Standing) -> Reason | None:
    if standing.trusted and standing.now >= expires:
        return "expired"
    order = order_of(word.type or "", word.body)
    if order is None:
        return "malformed"
    if isinstance(order, Wipe) and order.station != word.station:
        return "another_station"
    return "too_many" if standing.open >= MOST_OPEN else None
