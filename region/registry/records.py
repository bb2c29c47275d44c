"""What the registry gives: frozen records. Times are Unix seconds; None means not yet, or nobody."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, Literal

from messaging.call import EndReason
from messaging.claim import ClaimState
from messaging.command import CommandState, CommandType
from messaging.quality import Grade
from messaging.status import Process
from messaging.times import UnixTime
from messaging.twin import Language
from provisioning.authority.profiles import Level
from region.registry.command_progress import Standing

Role = Literal["clinician", "it_admin", "site_staff", "evaluator"]
CallState = Literal["waiting", "ringing", "answered", "ended"]
Admission = Literal["admitted", "quarantined", "revoked"]
Direction = Literal["resident", "clinic"]  # who started the call
TokenRole = Literal["it_admin", "site_staff", "evaluator"]  # a clinician's work is a person's alone
TokenState = Literal["good", "expired", "revoked", "maker_out"]


def digest(secret: str) -> str:
    """How a secret is stored and looked up: SHA-256, hexadecimal. Only for secrets of 80 random bits or more."""
    return hashlib.sha256(secret.encode()).hexdigest()


@dataclass(frozen=True)
class Clinic:
    """Whom a button calls."""

    id: int
    name: str
    phone: str
    created_at: UnixTime


@dataclass(frozen=True)
class Cluster:
    """Municipalities that share a clinic's service, a contract or an IT department."""

    id: int
    name: str
    created_at: UnixTime


@dataclass(frozen=True)
class Municipality:
    """A municipality, in a cluster or in none."""

    id: int
    name: str
    cluster_id: int | None
    cluster: str
    created_at: UnixTime


@dataclass(frozen=True)
class Site:
    """A care home or group home, in a municipality or in none."""

    id: int
    name: str
    created_at: UnixTime
    municipality_id: int | None = None
    municipality: str = ""


@dataclass(frozen=True)
class Room:
    """A room of a site; stations stand in it."""

    id: int
    site_id: int
    site: str
    name: str
    created_at: UnixTime


@dataclass(frozen=True)
class LayerRecord:
    """What one level says at one place; version 0: it has never said anything."""

    level: Level
    place: str
    document: dict[str, Any]
    version: int
    changed_at: UnixTime
    changed_by: str


@dataclass(frozen=True)
class Touched:
    """A layer as it is now, and the stations whose config has changed by it."""

    layer: LayerRecord
    stations: tuple[str, ...]


@dataclass(frozen=True)
class Station:
    """A station, with the names of where it stands and whom it calls (empty while it has no clinic).

    Clinic, language and volume are what the layers come to; all of its config: `Layers.desired`.
    """

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
    created_at: UnixTime
    admission: Admission = "admitted"
    serial: str | None = None  # the computer's own, known in advance: with it a station claims itself
    room_id: int = 0
    room: str = ""


@dataclass(frozen=True)
class RemovedStation:
    """What is known of a station that is not in the registry any more, as it was then.

    Until `shut_out_until` a certificate of it has not expired; `cleared_at`: since when the broker keeps nothing of it.
    """

    id: str
    name: str
    site_id: int
    site: str
    room: str
    clinic_id: int | None
    created_at: UnixTime
    removed_at: UnixTime
    shut_out_until: UnixTime
    cleared_at: UnixTime | None


@dataclass(frozen=True)
class ProcessPresence:
    """What is known of one process of a station. `since` is when it came or went.

    `unheard`: nobody has said that it went, and it does not answer; `since` is when it was last heard of. `answers`: it
    does, when it is asked whether it is there (older versions do not). `previous_*` tell of the run before the present
    one, and the last connection it was seen with.
    """

    station_id: str
    process: Process
    state: Literal["online", "offline", "unheard"]
    boot: str
    bd: int
    call: str | None
    versions: dict[str, str]
    since: UnixTime
    previous_boot: str | None = None
    previous_bd: int | None = None
    answers: bool = False


@dataclass(frozen=True)
class Report:
    """The last message of one branch (`birth`, `health`, `reported`), as plain data, and when it came."""

    station_id: str
    branch: str
    data: dict[str, Any]
    boot: str
    seq: int
    at: UnixTime


@dataclass(frozen=True)
class Bound:
    """A site that somebody is bound to."""

    id: int
    name: str


@dataclass(frozen=True)
class Person:
    """Somebody who signs in. `name` is the sign-in name; `display_name` and `title` are what a resident sees.

    What the clinic and the sites mean for each role: `region.web.rights.scope_of`.
    """

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
    created_at: UnixTime
    sites: tuple[Bound, ...] = ()  # by name
    second_step: bool = False  # a passkey or a code of the telephone is asked for
    vouched: bool = False  # comes by the region's own sign-in, which decides the role and the places


@dataclass(frozen=True)
class Passkey:
    """A passkey of somebody: `credential` is its public half, with the id by which its authenticator knows it."""

    id: int
    person_id: int
    credential: bytes
    name: str
    sign_count: int
    made_at: UnixTime
    used_at: UnixTime | None


@dataclass(frozen=True)
class ApiToken:
    """What a script comes with. `id` is how its secret begins; the secret itself is nowhere.

    `used_at` is the beginning of the day (UTC) on which it was last used. Not `good`: it has ended, or its maker may
    not make any now (`maker_out`).
    """

    id: str
    name: str
    role: TokenRole
    clinic_id: int | None
    clinic: str
    sites: tuple[Bound, ...]  # by name
    reads_only: bool
    made_by: str
    made_at: UnixTime
    expires_at: UnixTime
    used_at: UnixTime | None
    revoked_at: UnixTime | None
    state: TokenState

    @property
    def actor(self) -> str:
        """Who does what is done with it, as the audit has it."""
        return f"{self.made_by} ({self.id})"


@dataclass(frozen=True)
class Vouched:
    """By which provider a browser signed in, and the digest of its session there (`sid`), if it named one."""

    issuer: str
    sid_sha256: str | None = None


@dataclass(frozen=True)
class WebSession:
    """A signed-in browser. `csrf` is the token its unsafe requests carry; `whole`: the second step has been given.

    With `token` it is no browser but one request of a script, and `person` is whom the token stands for.
    """

    person: Person
    csrf: str
    created_at: UnixTime
    seen_at: UnixTime
    whole: bool = False
    token: ApiToken | None = None
    vouched: Vouched | None = None


@dataclass(frozen=True)
class Spent:
    """A one-time link that was used: whom it signs in, and whether without the second step."""

    person: Person
    whole: bool


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
    started_at: UnixTime
    answered_at: UnixTime | None
    connected_at: UnixTime | None
    ended_at: UnixTime | None
    end_reason: EndReason | None
    offer_generation: int | None
    offer_sdp: str | None
    room: dict[str, Any] | None  # how the desk has it, as the desk writes it


@dataclass(frozen=True)
class CallFacts:
    """What may be counted of a call that has ended: neither its id nor anybody's name."""

    station_id: str
    site_id: int
    clinic_id: int
    direction: Direction
    started_at: UnixTime
    answered_at: UnixTime | None
    connected_at: UnixTime | None
    ended_at: UnixTime
    end_reason: EndReason
    grade: Grade | None = None  # as the station told; None: it did not
    connect_s: float | None = None


@dataclass(frozen=True)
class CallLooked:
    """What a call was like: messaging.quality.CallQuality as plain data, and when the call began."""

    started_at: UnixTime
    data: dict[str, Any]


@dataclass(frozen=True)
class Ordered:
    """What is to be done, who wants it and why, from when, and until when it may be begun."""

    type: CommandType
    fields: dict[str, Any]
    actor: str
    why: str
    not_before: UnixTime
    expires_at: UnixTime


@dataclass(frozen=True)
class Command:
    """A command to one station, and how far it has come; those given together share `batch`.

    `by_station`: the station said so itself. `sent_at`: when it was sent last; None: never, so it can be called back.
    `reason` is a stable word where it failed or waits.
    """

    id: str
    batch: str
    station_id: str
    station: str
    site: str
    type: CommandType
    fields: dict[str, Any]
    actor: str
    why: str
    created_at: UnixTime
    not_before: UnixTime
    expires_at: UnixTime
    state: CommandState
    by_station: bool
    reason: str
    figures: dict[str, float]
    sent_at: UnixTime | None
    scheduled_at: UnixTime | None
    executing_at: UnixTime | None
    ended_at: UnixTime | None

    @property
    def standing(self) -> Standing:
        """How far it has come, for the table of what moves."""
        return Standing(self.state, self.reason, self.by_station)


@dataclass(frozen=True)
class Claim:
    """A station that asks to be claimed, by its key. `source` is whom it is counted against; `serial` may be empty."""

    key_sha256: str
    code_sha256: str
    nonce: str
    serial: str
    address: str
    source: str
    state: ClaimState
    station_id: str | None
    made_at: UnixTime
    seen_at: UnixTime
    decided_at: UnixTime | None
    decided_by: str


@dataclass(frozen=True)
class HandedIn:
    """Diagnostics of a station, by the command that asked for them; `size` in bytes, gzipped."""

    cid: str
    station_id: str
    received_at: UnixTime
    size: int


@dataclass(frozen=True)
class AuditRow:
    """Who did what, with which station or call, when, and how it came out. Never anything of a patient.

    `actor`: as `region.registry.actors` has it. `detail` of a change has `changes` (`region.registry.changes`); rows
    from before values were kept have `fields` instead, or what a field became.
    """

    id: int
    at: UnixTime
    actor: str
    action: str
    station_id: str | None
    call_id: str | None
    outcome: str
    detail: dict[str, Any]
