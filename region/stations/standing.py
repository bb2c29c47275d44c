"""How far a station has come with its enrolment. Pure."""

from __future__ import annotations

from typing import Literal

from provisioning.authority.ports import Invitation

Enrolled = Literal["no_code", "code_waits", "code_expired", "certificate_given", "enrolled"]


def enrolled(invitation: Invitation | None, seen: bool, now: float) -> Enrolled:
    """`seen`: the station has been connected at least once. `now` in Unix seconds."""
    if invitation is None:
        return "enrolled" if seen else "no_code"
    if invitation.burnt is not None:
        return "enrolled"
    if invitation.certificate is not None:
        return "certificate_given"
    return "code_expired" if now > invitation.expires else "code_waits"
