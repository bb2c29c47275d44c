"""What the region can have a station do, and how far it has come. Signed (messaging/signed.py), not retained, expiring.

On `dn/cmd/<type>/<cid>` travels an `Order` in the signed payload; on `up/cmd/<type>/<cid>` goes `Progress`, each state
once. There is no command here that opens a camera or a microphone: the acoustic self-test is asked for at the station.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal

from messaging.codec import Form, Length, Range, decode
from messaging.errors import MalformedMessage

CommandType = Literal[
    "restart", "reboot", "self_test", "identify", "message", "diagnostics", "volume", "renew", "lock", "unlock", "wipe",
]  # fmt: skip
CommandState = Literal["init", "scheduled", "executing", "successful", "failed"]
# Why an order waits at a station, or was not done. A renewal that fails is told in provisioning's words.
Reason = Literal[
    "clock", "in_call", "call_unknown", "busy", "expired", "unsupported", "malformed", "another_station", "too_many",
    "not_running", "not_possible", "not_permitted", "no_sign", "gave_up", "disk", "broker_or_disk",
]  # fmt: skip
ENDED: frozenset[CommandState] = frozenset({"successful", "failed"})
# These take the station from who is using it: they wait for the end of a call.
DISTURBING: frozenset[CommandType] = frozenset({"restart", "reboot", "self_test", "identify", "lock", "wipe"})
LONGEST_S = 7 * 24 * 3600.0  # a command is good for a week at most
CID = r"[a-z0-9]{16}"


@dataclass(frozen=True)
class Restart:
    """Start one of the station's processes anew."""

    process: Literal["agent", "call", "screen"]


@dataclass(frozen=True)
class Reboot:
    """Start the machine anew."""


@dataclass(frozen=True)
class SelfTest:
    """What the station knows of itself and of its last acoustic self-test, as figures. It opens nothing."""


@dataclass(frozen=True)
class Identify:
    """Light, screen and voice say: it is this one."""

    seconds: Annotated[int, Range(5, 120)] = 20


def _drawn(text: str) -> bool:
    """Whether a station's fonts have a shape for it: none of them has one beyond the first plane of Unicode."""
    return text.replace("\N{NO-BREAK SPACE}", " ").isprintable() and max(text, default="") < "\U00010000"


@dataclass(frozen=True)
class Message:
    """Words on the screen, never over a call; a press while they are shown is a press, and takes them away."""

    text: Annotated[str, Length(120), Form(_drawn, "one line of letters, digits and signs, without emoji")]
    seconds: Annotated[int, Range(10, 86_400)] = 600


@dataclass(frozen=True)
class Diagnostics:
    """A redacted bundle of logs and states, uploaded to the region over HTTPS by the station's certificate."""


@dataclass(frozen=True)
class Volume:
    """The speaker's volume now, until the next config says otherwise."""

    percent: Annotated[int, Range(0, 100)]


@dataclass(frozen=True)
class Renew:
    """Renew the certificate now."""


@dataclass(frozen=True)
class Lock:
    """Out of use until unlocked: the screen says so, and a press offers the telephone number."""


@dataclass(frozen=True)
class Unlock:
    """In use again."""


@dataclass(frozen=True)
class Wipe:
    """Retire: key, config and journal are erased. `station` repeats the id, so that no slip of the hand wipes."""

    station: Annotated[str, Length(40)]


Order = (
    Restart | Reboot | SelfTest | Identify | Message | Diagnostics | Volume | Renew | Lock | Unlock | Wipe
)  # fmt: skip
ORDERS: dict[CommandType, type[Order]] = {
    "restart": Restart, "reboot": Reboot, "self_test": SelfTest, "identify": Identify, "message": Message,
    "diagnostics": Diagnostics, "volume": Volume, "renew": Renew, "lock": Lock, "unlock": Unlock, "wipe": Wipe,
}  # fmt: skip


@dataclass(frozen=True)
class Progress:
    """How far a command has come. `reason` is a stable word where it failed or waits, never free text."""

    state: CommandState
    reason: Annotated[str, Length(64)] = ""
    figures: Annotated[dict[str, float], Length(16)] = field(default_factory=dict)


def waits(reason: Reason) -> Progress:
    """It is there, and this is what it waits for."""
    return Progress("scheduled", reason)


def failed(reason: Reason) -> Progress:
    """It was not done, and this is why."""
    return Progress("failed", reason)


def read_order(kind: str, data: object) -> Order:
    """The order of this type; MalformedMessage if there is no such type, or it does not say what it must."""
    order = next((order for name, order in ORDERS.items() if name == kind), None)
    if order is None:
        raise MalformedMessage("no such command")
    return decode(order, data)


def kind_of(order: Order) -> CommandType:
    """The type of this order, as in its topic."""
    return next(name for name, kind in ORDERS.items() if isinstance(order, kind))
