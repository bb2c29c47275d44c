"""What the registry gives: frozen records. Times are Unix seconds; None means not yet, or nobody."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, Literal

from messaging.call import EndReason
from messaging.quality import Grade
from messaging.status import Process
from messaging.twin import Config, Language

Role = Literal["clinician", "it_admin"]
OpenState = Literal["waiting", "ringing", "answered"]
CallState = Literal["waiting", "ringing", "answered", "ended"]
Admission = Literal["admitted", "quarantined", "revoked"]
Direction = Literal["resident", "clinic"]  # who started the call


def digest(secret: str) -> str:
    """How a secret is stored and looked up: SHA-256, hexadecimal. Only for secrets of 80 random bits or more."""
    return hashlib.sha256(secret.encode()).hexdigest()


@dataclass(frozen=True)
class Clinic:
    """Whom a button calls."""

    id: int
    name: str
    phone: str
    created_at: float


@dataclass(frozen=True)
class Site:
    """A care home or group home."""

    id: int
    name: str
    created_at: float


@dataclass(frozen=True)
class Station:
    """A station, with the names of where it stands and whom it calls (empty while it has no clinic)."""

    id: str
    name: str
    site_id: int
    site: str
    clinic_id: int | None
    clinic: str
    phone: str
    language: Language
    volume: int
    desired_version: int
    published_version: int
    created_at: float
    admission: Admission = "admitted"

    @property
    def config(self) -> Config:
        """What the station should work by, as it travels in `dn/desired`."""
        return Config(self.clinic, self.phone, self.site, self.name, self.language, self.volume)


@dataclass(frozen=True)
class ProcessPresence:
    """What is known of one process of a station. `since` is when it came or went.

    `previous_*` tell of the run before the present one, and the last connection it was seen with.
    """

    station_id: str
    process: Process
    state: Literal["online", "offline"]
    boot: str
    bd: int
    call: str | None
    versions: dict[str, str]
    since: float
    previous_boot: str | None = None
    previous_bd: int | None = None


@dataclass(frozen=True)
class Report:
    """The last message of one branch (`birth`, `health`, `reported`), as plain data, and when it came."""

    station_id: str
    branch: str
    data: dict[str, Any]
    boot: str
    seq: int
    at: float


@dataclass(frozen=True)
class Person:
    """Somebody who signs in. `name` is the sign-in name; `display_name` and `title` are what a resident sees."""

    id: int
    name: str
    display_name: str
    title: str
    role: Role
    clinic_id: int | None
    clinic: str
    language: Language | None
    active: bool
    has_password: bool
    created_at: float


@dataclass(frozen=True)
class WebSession:
    """A signed-in browser. `csrf` is the token its unsafe requests carry."""

    person: Person
    csrf: str
    created_at: float
    seen_at: float


@dataclass(frozen=True)
class Call:
    """One call. `person_id` is who answered or started it; the offer is forgotten when the call ends.

    `waiting`: a resident waits for the clinic. `ringing`: it rings at the station. `answered`: somebody has it.
    """

    id: str
    station_id: str
    station: str
    site: str
    clinic_id: int
    clinic: str
    direction: Direction
    state: CallState
    person_id: int | None
    person: str
    boot: str
    devices: dict[str, str] | None
    started_at: float
    answered_at: float | None
    connected_at: float | None
    ended_at: float | None
    end_reason: EndReason | None
    offer_generation: int | None
    offer_sdp: str | None


@dataclass(frozen=True)
class CallFacts:
    """What may be counted of a call that has ended: neither its id nor anybody's name."""

    station_id: str
    site_id: int
    clinic_id: int
    direction: Direction
    started_at: float
    answered_at: float | None
    connected_at: float | None
    ended_at: float
    end_reason: EndReason
    grade: Grade | None = None  # as the station told; None: it did not
    connect_s: float | None = None


@dataclass(frozen=True)
class CallLooked:
    """What a call was like: messaging.quality.CallQuality as plain data, and when the call began."""

    started_at: float
    data: dict[str, Any]


@dataclass(frozen=True)
class AuditRow:
    """Who did what, with which station or call, when, and how it came out. Never anything of a patient."""

    id: int
    at: float
    actor: str
    action: str
    station_id: str | None
    call_id: str | None
    outcome: str
    detail: dict[str, Any]
