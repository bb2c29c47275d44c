"""What surrounds every message on the wire: version, id, order, time and how far the time can be trusted.

Order is by (boot, seq), never by arrival or by wall clock. `boot` names one run of one process, so a restarted
process starts a new sequence and its peer can tell.
"""

from __future__ import annotations

import json
import secrets
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from messaging.codec import Length, Range, decode, encode
from messaging.errors import MalformedMessage, OversizedMessage, StaleMessage, UnknownVersion

VERSION = 1
MAX_BYTES = 64 * 1024
MAX_DEPTH = 16

ClockTrust = Literal["unset", "floor", "ntp"]


@dataclass(frozen=True)
class Envelope:
    """One message as it travels. `mono` is seconds of the sender's monotonic clock, `wall` Unix seconds."""

    v: int
    id: Annotated[str, Length(64)]
    boot: Annotated[str, Length(64)]
    seq: Annotated[int, Range(0, 2**53)]
    mono: float
    wall: float
    clock: ClockTrust
    data: Annotated[dict[str, Any], Length(512)]


@dataclass(frozen=True)
class Place:
    """A place in a conversation that several processes of one side speak in: they count it in common."""

    boot: str
    seq: int


@dataclass
class Sealer:
    """Numbers and dates what one run of one process sends. `monotonic` and `wall` are clocks in seconds."""

    monotonic: Callable[[], float]
    wall: Callable[[], float]
    clock_trust: Callable[[], ClockTrust] = field(default=lambda: "ntp")
    boot: str = field(default_factory=lambda: secrets.token_hex(8))
    _seq: int = 0

    def seal(self, message: object, place: Place | None = None) -> bytes:
        """Wrap a message (a dataclass, or plain data) for the wire; OversizedMessage if it cannot travel.

        `place` is where it stands among what others say as well; without one it is the next of this run.
        """
        if place is None:
            self._seq += 1
            place = Place(self.boot, self._seq)
        data = message if isinstance(message, dict) else encode(message)
        envelope = Envelope(
            VERSION, secrets.token_hex(8), place.boot, place.seq, round(self.monotonic(), 3),
            round(self.wall(), 3), self.clock_trust(), data,
        )  # fmt: skip
        payload = json.dumps(encode(envelope), ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
        if len(payload) > MAX_BYTES:
            raise OversizedMessage(f"{len(payload)} bytes; at most {MAX_BYTES} travel")
        return payload


def parse_json(payload: bytes | str, most_bytes: int = MAX_BYTES) -> Any:
    """JSON from a stranger: bounded in size and depth, no NaN; MalformedMessage or OversizedMessage otherwise."""
    if len(payload) > most_bytes:
        raise OversizedMessage(f"{len(payload)} bytes; at most {most_bytes} are taken")
    try:
        data = json.loads(payload, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise MalformedMessage("not JSON") from error
    _check_depth(data, MAX_DEPTH)
    return data


def open_envelope(payload: bytes) -> Envelope:
    """Read an envelope, or raise a MessageError."""
    data = parse_json(payload)
    if not isinstance(data, dict):
        raise MalformedMessage("Envelope: expected an object")
    version = data.get("v")
    if isinstance(version, int) and version != VERSION:
        raise UnknownVersion(f"envelope version {version}; this side speaks {VERSION}")
    return decode(Envelope, data)


class OrderGuard:
    """Takes each (boot, seq) of one conversation once and only forwards; a replay or a step back is StaleMessage.

    A new boot is a restarted peer: it replaces the one before, which is not taken again.
    """

    def __init__(self, remembered_boots: int = 8) -> None:
        self._last: OrderedDict[str, int] = OrderedDict()
        self._remembered = remembered_boots

    def admit(self, envelope: Envelope) -> None:
        """Take the envelope, or raise StaleMessage and change nothing."""
        current = next(reversed(self._last), None)
        if envelope.boot in self._last and envelope.boot != current:
            raise StaleMessage("from a run of the sender that has been replaced")
        if envelope.boot == current and envelope.seq <= self._last[current]:
            raise StaleMessage(f"sequence {envelope.seq} after {self._last[current]}")
        self._last[envelope.boot] = envelope.seq
        while len(self._last) > self._remembered:
            self._last.popitem(last=False)


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _check_depth(data: Any, left: int) -> None:
    if left == 0:
        raise MalformedMessage("nested too deep")
    if isinstance(data, dict):
        data = data.values()
    elif not isinstance(data, list):
        return
    for item in data:
        _check_depth(item, left - 1)
