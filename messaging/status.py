"""Presence and birth: whether a station's process is there, and what it is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal

from messaging.call import EndReason
from messaging.codec import Length, Range
from messaging.times import UnixTime

Process = Literal["agent", "call"]


@dataclass(frozen=True)
class HungUp:
    """The call that station-call ended last, and why: its own word for it may have found the region away."""

    call: Annotated[str, Length(32)]
    reason: EndReason


@dataclass(frozen=True)
class Connection:
    """Retained on `up/conn/<process>`, and, with state `offline`, that process's Will.

    `bd` (birth-death) is the same in a Will and in the birth before it; a Will whose `bd` and `boot` do not match the
    last birth is late and ignored.
    """

    process: Process
    state: Literal["online", "offline"]
    boot: Annotated[str, Length(64)]
    bd: Annotated[int, Range(0, 2**53)]
    versions: Annotated[dict[str, str], Length(16)] = field(default_factory=dict)
    call: Annotated[str, Length(32)] | None = None  # the call this run of station-call is in, when online
    hung_up: HungUp | None = None  # by this run of station-call
    answers: bool = False  # it says this anew when it is asked on `dn/conn/<process>`


@dataclass(frozen=True)
class Birth:
    """On `up/birth`: the agent's full snapshot, on connect and when the region asks for a rebirth."""

    hardware: Annotated[str, Length(32)]
    versions: Annotated[dict[str, str], Length(16)]
    config_version: Annotated[int, Range(0, 2**53)]
    certificate_expires: UnixTime | None = None
