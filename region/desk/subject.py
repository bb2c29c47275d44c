"""The desk as a subject of the region: what `region.serving.app` mounts."""

from __future__ import annotations

from pathlib import Path

from region.desk.routes import router
from region.desk.service import Desk
from region.desk.words import WORDS
from region.web.context import Region
from region.web.subject import Nav, Subject
from region.web.turn import Relays


def subject(region: Region) -> Subject:
    """The desk of this region."""
    return mount(make_desk(region))


def make_desk(region: Region) -> Desk:
    """The desk on the region's shared parts."""

    relays = Relays(region.settings.turn, region.clock.wall)
    return Desk(region.registry, region.downlink, region.clock, region.hub, relays)


def mount(desk: Desk) -> Subject:
    """What of the desk the region is given."""
    return Subject(
        "desk", Path(__file__).parent, router(desk), WORDS, (Nav("/desk", "desk.nav", "clinician"),),
        up={"call": desk.ear}, presence=desk.presence, run=desk.run, duty=desk.keep_time, shut_out=desk.shut_out,
    )  # fmt: skip
