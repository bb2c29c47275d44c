"""How far a station has come with its enrolment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from messaging.times import UnixTime
from provisioning.authority.ports import Invitation
from region.registry import Transaction

Enrolled = Literal["no_code", "code_waits", "code_expired", "certificate_given", "enrolled"]


@dataclass(frozen=True)
class CertificateTold:
    """A certificate that a station was given; `serial` is hexadecimal. `revoked`: since when it counts no more."""

    serial: str
    issued: UnixTime
    expires: UnixTime
    revoked: UnixTime | None


@dataclass(frozen=True)
class EnrolmentTold:
    """How a station came in. `code_expires` is told while a code waits to be used; the newest certificate is first."""

    station: str
    state: Enrolled
    code_expires: UnixTime | None
    certificates: tuple[CertificateTold, ...]


def enrolled(invitation: Invitation | None, seen: bool, now: float) -> Enrolled:
    """`seen`: the station has been connected at least once. `now` in Unix seconds."""
    if invitation is None:
        return "enrolled" if seen else "no_code"
    if invitation.burnt is not None:
        return "enrolled"
    if invitation.certificate is not None:
        return "certificate_given"
    return "code_expired" if now > invitation.expires else "code_waits"


async def enrolment_of(t: Transaction, station_id: str, now: float) -> EnrolmentTold:
    """How that station came in; `now` in Unix seconds. NotFound."""
    station = await t.stations.get(station_id)
    invitation, presence = await t.enrolments.get(station.id), await t.reports.all_presence(station.id)
    state = enrolled(invitation, bool(presence), now)
    expires = invitation.expires if invitation is not None and state == "code_waits" else None
    given = await t.certificates.of_station(station.id)
    told = tuple(CertificateTold(one.serial, one.issued, one.expires, one.revoked) for one in given)
    return EnrolmentTold(station.id, state, expires, told)
