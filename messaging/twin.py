"""Desired and reported config. Desired is retained and only grows; reported says what is in force, what was refused."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal

from messaging.codec import Length, Range

Language = Literal["da", "en"]
Name = Annotated[str, Length(80)]


@dataclass(frozen=True)
class Sound:
    """How the clinician sounds to this resident. `clear_speech` is for those who hear badly: no rumble, the consonants'
    band (1.5 to 4 kHz) raised by `boost_db`, quiet speech brought nearer to loud speech."""

    profile: Literal["normal", "clear_speech"] = "normal"
    boost_db: Annotated[int, Range(0, 9)] = 7


@dataclass(frozen=True)
class Config:
    """What a station works by. `volume` in percent."""

    clinic: Name = ""  # whom the button calls; empty: nobody yet
    phone: Annotated[str, Length(24)] = ""  # the clinic's telephone, shown when a call cannot be made
    site: Name = ""
    station: Name = ""  # the room or place, shown to clinic and staff
    language: Language = "da"
    volume: Annotated[int, Range(0, 100)] = 70
    sound: Sound = field(default_factory=Sound)
    framing: bool = True  # people are framed when a call begins


@dataclass(frozen=True)
class Desired:
    """On `dn/desired`."""

    version: Annotated[int, Range(1, 2**53)]
    config: Config


@dataclass(frozen=True)
class Reported:
    """On `up/reported`: the version in force, its config, and what was refused (field or `document` to reason)."""

    version: Annotated[int, Range(0, 2**53)]
    config: Config
    refused: Annotated[dict[str, str], Length(32)]
