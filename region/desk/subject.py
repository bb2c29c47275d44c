"""The desk as a subject of the region: what `region.app` mounts."""

from __future__ import annotations

from pathlib import Path

from messaging.call import IceServer
from region.desk.routes import router
from region.desk.service import Desk
from region.desk.words import WORDS
from region.web.context import Region
from region.web.subject import Nav, Subject
from region.web.turn import ice_servers


def subject(region: Region) -> Subject:
    """The desk of this region."""
    return mount(make_desk(region))


def make_desk(region: Region) -> Desk:
    """The desk on the region's shared parts."""

    def servers(holder: str) -> tuple[IceServer, ...]:
        return ice_servers(region.settings.turn, holder, region.clock.wall())

    relay_only = region.settings.turn is not None and region.settings.turn.relay_only
    return Desk(region.registry, region.downlink, region.clock, region.hub, servers, relay_only)


def mount(desk: Desk) -> Subject:
    """What of the desk the region is given."""
    return Subject(
        "desk", Path(__file__).parent, router(desk), WORDS, (Nav("/desk", "desk.nav", "clinician"),),
        up={"call": desk.ear}, presence=desk.presence, run=desk.run, shut_out=desk.shut_out,
    )  # fmt: skip
