"""Desired and reported config. Desired is retained and only grows; reported says what is in force, what was refused."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal

from messaging.codec import Length, Range
from messaging.reasons import say
from messaging.settings import (
    AutoAnswer,
    CameraPolicy,
    Host,
    Levels,
    Name,
    Network,
    Night,
    Opening,
    Percent,
    Phone,
    Screen,
    Sound,
    Telemetry,
)

__all__ = [
    "MOST_CONFIG_BYTES", "TAKEN_BACK", "Config", "Desired", "Language", "Name", "Proving", "Reported", "Sound",
    "TakenBack",
]  # fmt: skip

Language = Literal["da", "en"]
MOST_CONFIG_BYTES = 1024 * 1024  # of `config.json`: a document and what came of it, twice while one is on trial

TAKEN_BACK = say(
    "taken_back", cause=""
)  # how a refusal begins of a document that cost the station its link or its call


@dataclass(frozen=True)
class Config:
    """What a station works by. `volume` in percent."""

    clinic: Name = ""  # whom the button calls; empty: nobody yet
    phone: Phone = ""  # the clinic's telephone, shown when a call cannot be made
    site: Name = ""
    station: Name = ""  # the room or place, shown to clinic and staff
    language: Language = "da"
    volume: Percent = 70
    sound: Sound = field(default_factory=Sound)
    framing: bool = True  # people are framed when a call begins
    fallback: Name = ""  # whom the button calls when the clinic does not answer; empty: nobody
    fallback_phone: Phone = ""
    opening: Opening = field(default_factory=Opening)
    screen: Screen = field(default_factory=Screen)
    levels: Levels = field(default_factory=Levels)
    night: Night = field(default_factory=Night)
    auto_answer: AutoAnswer = field(default_factory=AutoAnswer)
    camera: CameraPolicy = field(default_factory=CameraPolicy)
    network: Network = field(default_factory=Network)
    time_servers: Annotated[tuple[Host, ...], Length(4)] = ()  # none: the network's own, else the system's
    telemetry: Telemetry = field(default_factory=Telemetry)
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    update_ring: Literal["canary", "early", "broad", "hold"] = "broad"


@dataclass(frozen=True)
class Desired:
    """On `dn/desired`."""

    version: Annotated[int, Range(1, 2**53)]
    config: Config


@dataclass(frozen=True)
class TakenBack:
    """A version that was in force, and the station has gone back from. `why`: `link lost`, `call failed` or
    `agent failed` (a newer station may know others). `lasting`: it is not tried again."""

    version: Annotated[int, Range(1, 2**53)]
    why: Annotated[str, Length(32)]
    lasting: bool = True


@dataclass(frozen=True)
class Proving:
    """How far a station is with its configs. `on_trial`: the version in force is, else it is kept. `waiting`: a version
    that comes into force when the running call is over, 0 for none. `taken_back`: until a newer one is in force."""

    on_trial: bool = False
    waiting: Annotated[int, Range(0, 2**53)] = 0
    taken_back: TakenBack | None = None


@dataclass(frozen=True)
class Reported:
    """On `up/reported`: the version in force, its config, what was refused (field or `document` to reason), and
    whether that version has proven itself."""

    version: Annotated[int, Range(0, 2**53)]
    config: Config
    refused: Annotated[dict[str, str], Length(32)]
    proving: Proving = field(default_factory=Proving)
