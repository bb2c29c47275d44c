"""The services of stations as the command line has them: they need no region that runs."""

from __future__ import annotations

from pathlib import Path

from provisioning.authority import vault
from provisioning.authority.enrolment import Enrolment
from region import addresses
from region.authority.client import AuthorityClient
from region.authority.wire import SOCKET
from region.cli.desk import Desk
from region.registry.store import RegistryEnrolmentStore
from region.stations.layout import LayoutService
from region.stations.service import StationService


def station_service(desk: Desk) -> StationService:
    """Of clinics, sites and stations."""
    data: Path = desk.args.data
    enrolment = Enrolment(RegistryEnrolmentStore(desk.registry, desk.clock), AuthorityClient(data / SOCKET), desk.clock)
    return StationService(desk.registry, desk.clock, enrolment, root_sha256(desk), addresses.load(data))


def layout_service(desk: Desk) -> LayoutService:
    """Of places, and of what stations work by in layers."""
    return LayoutService(desk.registry, desk.clock)


def root_sha256(desk: Desk) -> str:
    """What code files pin; the authority is made where there is none yet."""
    folder: Path = desk.args.data / "ca"
    vault.make_if_absent(folder, desk.clock)
    return vault.public_trust(folder).root_sha256
